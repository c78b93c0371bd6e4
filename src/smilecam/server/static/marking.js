// Joins faces in the image with their lines in the list: pointing at either marks both, and a click keeps the mark.

export class Marking {
  /**
   * @param {import("./stage.js").Stage} stage
   * @param {import("./tracks.js").Tracks} tracks
   */
  constructor(stage, tracks) {
    this.stage = stage;
    this.tracks = tracks;
    this.kept = null;
    this.wireStage(stage.element);
    this.wireList(tracks.list);
  }

  wireStage(element) {
    const numberAt = (event) => {
      const { left, top } = element.getBoundingClientRect();
      return this.stage.overlay.numberAt(event.clientX - left, event.clientY - top);
    };
    element.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.point(numberAt(event), true));
    element.addEventListener("pointerleave", () => this.point(null));
    element.addEventListener("click", (event) => event.target.closest("button") || this.keep(numberAt(event), true));
  }

  wireList(list) {
    const numberOf = (target) => {
      const line = target.closest?.(".person");
      return line ? Number(line.dataset.track) : null;
    };
    list.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.point(numberOf(event.target)));
    list.addEventListener("pointerleave", () => this.point(null));
    list.addEventListener("focusin", (event) => this.point(numberOf(event.target)));
    list.addEventListener("focusout", () => this.point(null));
    list.addEventListener("click", (event) => event.target.closest(".portrait") && this.keep(numberOf(event.target)));
  }

  /** Somebody points at a face, or at none. */
  point(number, reveal = false) {
    this.show(number ?? this.kept, reveal && number !== null);
  }

  /** Keep a face marked when nobody points at it any more; once more lets it go. */
  keep(number, reveal = false) {
    this.kept = number === this.kept ? null : number;
    this.show(this.kept, reveal && this.kept !== null);
  }

  clear() {
    this.kept = null;
    this.show(null);
  }

  show(number, reveal = false) {
    if (this.tracks.marked === number) return;
    this.stage.mark(number);
    this.tracks.mark(number);
    if (reveal) this.tracks.reveal(number);
  }
}
