// Pixels that are painted and shaded by formulas. Lengths are in units of the drawing; x grows to the right, y downward.

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** 1 where a distance to an edge is negative, 0 where it is positive, and a slope of width `soft` between. */
export const inside = (distance, soft) => clamp(0.5 - distance / soft, 0, 1);

export const band = (upper, lower, y, soft = 0.02) => inside(Math.max(upper - y, y - lower), soft);

export const line = (distance, width) => Math.exp(-((distance / width) ** 2));

export const ellipse = (x, y, [cx, cy], [rx, ry], soft) => inside((Math.hypot((x - cx) / rx, (y - cy) / ry) - 1) * Math.min(rx, ry), soft);

export const spot = (x, y, [cx, cy], [rx, ry]) => line(x - cx, rx) * line(y - cy, ry);

const EVERYWHERE = { side: Infinity, top: -Infinity, bottom: Infinity };

export class Pixels {
  /**
   * Transparent pixels, `scale` a unit.
   * @param {{left: number, top: number, right: number, bottom: number}} edges
   * @param {number} scale
   */
  constructor(edges, scale) {
    Object.assign(this, { edges, scale });
    this.columns = Math.round((edges.right - edges.left) * scale);
    this.rows = Math.round((edges.bottom - edges.top) * scale);
    /** Red, green, blue, each multiplied by alpha, and alpha: 1 is the brightest. */
    this.data = new Float32Array(4 * this.columns * this.rows);
  }

  copy() {
    const copied = new Pixels(this.edges, this.scale);
    copied.data.set(this.data);
    return copied;
  }

  /** Call back for each pixel of a region, with its place, the index of its data, and the value of its mask where that is not 0. */
  each({ side, top, bottom }, mask, callback) {
    const { edges, scale, columns, rows } = this;
    const firstIn = (edge, from, count) => clamp(Math.ceil((edge - from) * scale - 0.5), 0, count);
    const [left, right] = [firstIn(-side, edges.left, columns), firstIn(side, edges.left, columns)];
    for (let row = firstIn(top, edges.top, rows); row < firstIn(bottom, edges.top, rows); row += 1) {
      const y = (row + 0.5) / scale + edges.top;
      for (let column = left; column < right; column += 1) {
        const x = (column + 0.5) / scale + edges.left;
        const share = mask(x, y);
        if (share > 0) callback(4 * (row * columns + column), share, x, y);
      }
    }
  }

  /** Cover with a colour, as bright as `light` says, as far as the mask goes. */
  paint(mask, [red, green, blue], light = () => 1, region = EVERYWHERE) {
    const { data } = this;
    this.each(region, mask, (at, share, x, y) => {
      const bright = light(x, y);
      data[at] += share * (red * bright - data[at]);
      data[at + 1] += share * (green * bright - data[at + 1]);
      data[at + 2] += share * (blue * bright - data[at + 2]);
      data[at + 3] += share * (1 - data[at + 3]);
    });
  }

  /** Make brighter (`by` > 0) or darker as far as the mask goes. */
  shade(mask, by, region = EVERYWHERE) {
    const { data } = this;
    this.each(region, mask, (at, share) => {
      const factor = 1 + by * share;
      data[at] *= factor;
      data[at + 1] *= factor;
      data[at + 2] *= factor;
    });
  }

  /** Blur in both directions, by a Gaussian of so many pixels. */
  blur(sigma) {
    const reach = Math.ceil(3 * sigma);
    const bell = Array.from({ length: 2 * reach + 1 }, (_, at) => Math.exp(-((at - reach) ** 2) / (2 * sigma * sigma)));
    const sum = bell.reduce((all, one) => all + one, 0);
    const weights = Float32Array.from(bell, (one) => one / sum);
    const { columns, rows } = this;
    for (const [count, step, lines, stride] of [[columns, 4, rows, 4 * columns], [rows, 4 * columns, columns, 4]]) {
      const before = this.data.slice();
      for (let start = 0; start < lines * stride; start += stride) {
        for (let at = 0; at < count; at += 1) blurOne(this.data, before, { start, at, step, count }, weights);
      }
    }
  }

  /** As an image for a canvas. */
  image() {
    const image = new ImageData(this.columns, this.rows);
    for (let at = 0; at < this.data.length; at += 4) {
      const alpha = this.data[at + 3];
      for (let channel = 0; channel < 3; channel += 1) {
        image.data[at + channel] = alpha > 0 ? Math.round((255 * Math.min(this.data[at + channel], alpha)) / alpha) : 0;
      }
      image.data[at + 3] = Math.round(255 * alpha);
    }
    return image;
  }
}

/** One pixel of a line: the mean of its neighbours in the line, by their weights. The ends are repeated. */
function blurOne(to, from, { start, at, step, count }, weights) {
  const reach = (weights.length - 1) / 2;
  let [red, green, blue, alpha] = [0, 0, 0, 0];
  for (let shift = -reach; shift <= reach; shift += 1) {
    const near = at + shift < 0 ? 0 : at + shift >= count ? count - 1 : at + shift;
    const place = start + step * near;
    const weight = weights[shift + reach];
    red += weight * from[place];
    green += weight * from[place + 1];
    blue += weight * from[place + 2];
    alpha += weight * from[place + 3];
  }
  const place = start + step * at;
  to[place] = red;
  to[place + 1] = green;
  to[place + 2] = blue;
  to[place + 3] = alpha;
}
