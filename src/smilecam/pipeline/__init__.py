"""The parts put together: the detector, a run of a source, many sources into many sinks, statistics."""
