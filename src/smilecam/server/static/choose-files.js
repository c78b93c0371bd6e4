// What to do with files that were chosen or dropped: images are read together, a video by itself.

export const MOST_IMAGES = 200;

const VIDEO_NAMES = /\.(mkv|mp4|mov|avi|webm|m4v|ts|m2ts|mts|mpg|mpeg|flv|wmv|asf|ogv|3gp|gif)$/i;
const IMAGE_NAMES = /\.(jpe?g|png|webp|bmp|tiff?|heic|heif|avif)$/i;

/** "image", "video" or null. Some systems name no type, or a wrong one: a .ts may be a text. */
export function kindOf({ name, type }) {
  const kind = type.split("/")[0];
  if (type === "image/gif" || kind === "video") return "video";
  if (kind === "image") return "image";
  if (VIDEO_NAMES.test(name)) return "video";
  return IMAGE_NAMES.test(name) || kind === "" ? "image" : null;
}

/**
 * @param {File[]} files
 * @returns {{images: File[], video: ?File, text: string}} what to open, and what to say of what was left out
 */
export function chosen(files) {
  const images = files.filter((file) => kindOf(file) === "image");
  const videos = files.filter((file) => kindOf(file) === "video");
  const others = files.filter((file) => kindOf(file) === null);
  const texts = [];
  if (images.length ? videos.length : videos.length > 1) texts.push(images.length ? "Videos are opened one at a time, without images." : "Of several videos the first is opened.");
  if (images.length > MOST_IMAGES) texts.push(`The first ${MOST_IMAGES} of ${images.length.toLocaleString("en")} images are read.`);
  if (others.length) texts.push(others.length === 1 ? `${others[0].name} is neither an image nor a video.` : `${others.length} files are neither images nor videos.`);
  return { images: images.slice(0, MOST_IMAGES), video: images.length ? null : videos[0] ?? null, text: texts.join(" ") };
}
