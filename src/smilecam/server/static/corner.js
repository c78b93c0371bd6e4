// Where something small may stand over the image without covering a face.

const CORNERS = ["top-left", "top-right", "bottom-left", "bottom-right"];
const MARGIN = 12;
const HAIR = 0.3; // of a box's height: heads are larger than their boxes

/**
 * @param {{width: number, height: number}} stage size on the screen
 * @param {{width: number, height: number}} badge size on the screen of what is to stand there
 * @param {Array<{box: number[]}>} faces in pixels of `space`
 * @param {?{width: number, height: number}} space
 * @param {boolean} mirror whether the image is shown mirrored
 * @returns {?string} the first corner without a face, or null
 */
export function freeCorner(stage, badge, faces, space, mirror) {
  if (!space) return CORNERS[0];
  const scale = Math.min(stage.width / space.width, stage.height / space.height);
  const [left, top] = [(stage.width - space.width * scale) / 2, (stage.height - space.height * scale) / 2];
  const heads = faces.map(({ box: [x1, y1, x2, y2] }) => {
    const more = HAIR * (y2 - y1);
    const [from, to] = mirror ? [space.width - x2, space.width - x1] : [x1, x2];
    return [left + (from - more) * scale, top + (y1 - more) * scale, left + (to + more) * scale, top + (y2 + more) * scale];
  });
  return CORNERS.find((corner) => {
    const x = corner.endsWith("left") ? MARGIN : stage.width - MARGIN - badge.width;
    const y = corner.startsWith("top") ? MARGIN : stage.height - MARGIN - badge.height;
    return heads.every((head) => x > head[2] || y > head[3] || x + badge.width < head[0] || y + badge.height < head[1]);
  }) ?? null;
}
