// Numbers of tracks and frames that go on across connections: the server counts anew in each.

export class Numbering {
  constructor() {
    this.track = { base: 0, highest: 0 };
    this.frame = { base: 0, highest: -1 };
  }

  /** A new connection begins. */
  restart() {
    this.track.base = this.track.highest;
    this.frame.base = this.frame.highest + 1;
  }

  /** A result of this connection, in the numbers of the page. */
  apply(result) {
    const { track, frame } = this;
    const shifted = (one) => (one.track == null ? one : { ...one, track: one.track + track.base });
    const faces = result.faces.map(shifted);
    const events = (result.events ?? []).map((event) => ({ ...shifted(event), ...(event.frame == null ? {} : { frame: event.frame + frame.base }) }));
    const renumbered = { ...result, frame: result.frame + frame.base, faces, events };
    frame.highest = Math.max(frame.highest, renumbered.frame);
    for (const face of faces) track.highest = Math.max(track.highest, face.track ?? 0);
    return renumbered;
  }
}
