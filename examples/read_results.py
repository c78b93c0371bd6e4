"""Read results with pandas and DuckDB: who smiled when, and for how long.

smilecam detect clip.mp4 --jsonl results.jsonl --csv results.csv
pip install pandas duckdb
python examples/read_results.py results.jsonl results.csv
"""

from __future__ import annotations

import argparse

import duckdb
import pandas as pd


def smiles(jsonl: str) -> pd.DataFrame:
    """A row for each smile: source, person, begin, end and peak, from the events of ``--jsonl``."""
    lines = pd.read_json(jsonl, lines=True)
    if "event" not in lines:
        return pd.DataFrame(columns=["source", "track", "begin", "end", "peak"])
    begins = lines[lines["event"] == "smile_start"]
    ends = lines[lines["event"] == "smile_end"]
    key = ["source", "track", "number"]
    begins, ends = (each.assign(number=each.groupby(["source", "track"]).cumcount()) for each in (begins, ends))
    rows = begins.merge(ends, on=key, suffixes=("_begin", "_end"))
    return rows.rename(columns={"since_begin": "begin", "since_end": "end", "peak_end": "peak"})[
        ["source", "track", "begin", "end", "peak"]
    ]


def by_source(csv: str) -> list[tuple[str, int, int, float]]:
    """For each source: frames with a face, frames with a smile, mean probability. DuckDB reads the file itself."""
    query = """
        select source, count(distinct frame), count(distinct frame) filter (smiling), round(avg(smile), 3)
        from read_csv(?, header = true) group by source order by source
    """
    return duckdb.execute(query, [csv]).fetchall()


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("jsonl", help="lines of smilecam detect --jsonl")
    parser.add_argument("csv", help="table of smilecam detect --csv")
    arguments = parser.parse_args()
    found = smiles(arguments.jsonl)
    print(found.assign(seconds=(found["end"] - found["begin"]).round(2)).to_string(index=False))
    for source, faces, smiling, mean in by_source(arguments.csv):
        print(f"{source}: a face in {faces} frames, a smile in {smiling}, mean probability {mean}")


if __name__ == "__main__":
    main()
