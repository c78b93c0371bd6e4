// Images and videos from files.

import { ALL_FORMATS, BlobSource, Input, VideoSampleSink } from "mediabunny";

import { VideoRun } from "../pipeline/video-run.js";
import { digits } from "../numbers.js";
import { Problem } from "../problem.js";
import { changed, decisionOf, defaults, thresholdOf } from "../settings.js";
import { greyOf } from "./pixels.js";

/** As on the server: what is larger takes more memory than a page should. */
const MOST_PIXELS = 25_000_000;

async function setUp(parts, wanted, uses) {
  const description = await parts.description();
  const settings = changed(description, defaults(description), wanted);
  const detectors = uses.map((use) => parts.detector(settings.detector, use));
  const [classifier, ...made] = await Promise.all([parts.classifier(settings), ...detectors]);
  return { classifier, detectors: made, threshold: thresholdOf(description, settings), decision: decisionOf(settings) };
}

/** Read one image: {width, height, faces}. */
export async function readImage(parts, file, wanted) {
  const image = await createImageBitmap(file).catch(() => {
    throw new Problem("bad_image", "This browser cannot read this image.");
  });
  const { width, height } = image;
  if (width * height > MOST_PIXELS) throw new Problem("too_many_pixels", "The image has more than 25,000,000 pixels.");
  const { classifier, detectors: [detector], threshold } = await setUp(parts, wanted, ["image"]);
  const grey = await greyOf(image, width, height).finally(() => image.close());
  const found = await detector.detect(grey);
  const smiles = await classifier.classify(classifier.inputs(grey, found));
  const faces = found.map(({ box, confidence }, at) => (
    { box, confidence: digits(confidence, 4), smile: digits(smiles[at], 4), smiling: smiles[at] >= threshold }
  ));
  return { width, height, faces };
}

/**
 * Read a video.
 * @param {import("./parts.js").Parts} parts
 * @param {File} file
 * @param {object} wanted settings
 * @param {(share: number, frames: number) => void} progress
 * @param {AbortSignal} signal
 * @returns {Promise<object[]>} lines of results
 */
export async function readVideo(parts, file, wanted, progress, signal) {
  const { detectors: [detector, thorough], ...rest } = await setUp(parts, wanted, ["stream", "thorough"]);
  const run = new VideoRun(file.name, { detector, thorough, ...rest });
  for await (const { image, time, share } of framesOf(file)) {
    try {
      if (signal.aborted) return [];
      await run.add(await greyOf(image, image.displayWidth, image.displayHeight), time);
    } finally {
      image.close();
    }
    progress(share, run.frames);
  }
  if (!run.frames) throw new Problem("bad_video", "There is no frame in this video that this browser can read.");
  return run.finish();
}

/** The frames of a video in their order: {image, time, share}. */
async function* framesOf(file) {
  if (file.type === "image/gif") yield* framesOfGif(file);
  else yield* framesOfTrack(file);
}

async function* framesOfTrack(file) {
  const input = new Input({ source: new BlobSource(file), formats: ALL_FORMATS });
  try {
    const track = await input.getPrimaryVideoTrack().catch(() => {
      throw new Problem("bad_video", "This is no video that this page can read: it takes MP4, MOV, WebM, MKV and MPEG-TS.");
    });
    if (!track) throw new Problem("bad_video", "There is no video in this file.");
    if (!("VideoDecoder" in self)) throw new Problem("bad_video", "This browser does not let a page decode videos.");
    if (!(await track.canDecode())) throw new Problem("bad_video", `This browser cannot decode this kind of video (${track.codec ?? "unknown"}).`);
    const [first, duration] = [Math.max(0, await track.getFirstTimestamp()), await track.computeDuration()];
    for await (const sample of new VideoSampleSink(track).samples()) {
      if (sample.timestamp < first) { // cut off by the file's edit list
        sample.close();
        continue;
      }
      const image = sample.toVideoFrame();
      const { timestamp, rotation } = sample;
      sample.close();
      const time = timestamp - first;
      yield { image: rotation ? await upright(image, rotation) : image, time, share: Math.min(1, time / Math.max(duration - first, 1e-3)) };
    }
  } finally {
    input.dispose();
  }
}

/** A frame rotated clockwise, as one that is upright. */
async function upright(image, rotation) {
  const turned = rotation % 180 !== 0;
  const [width, height] = turned ? [image.displayHeight, image.displayWidth] : [image.displayWidth, image.displayHeight];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.translate(width / 2, height / 2);
  context.rotate((rotation * Math.PI) / 180);
  context.drawImage(image, -image.displayWidth / 2, -image.displayHeight / 2, image.displayWidth, image.displayHeight);
  const { timestamp } = image;
  image.close();
  return new VideoFrame(canvas, { timestamp });
}

async function* framesOfGif(file) {
  if (!("ImageDecoder" in self)) throw new Problem("bad_video", "This browser does not let a page decode moving GIFs.");
  const decoder = new ImageDecoder({ data: file.stream(), type: file.type });
  try {
    await decoder.completed;
    const count = decoder.tracks.selectedTrack.frameCount;
    let time = 0;
    for (let frameIndex = 0; frameIndex < count; frameIndex += 1) {
      const { image } = await decoder.decode({ frameIndex });
      const { duration } = image;
      yield { image, time, share: frameIndex / count };
      time += (duration ?? 100_000) / 1e6;
    }
  } catch (error) {
    throw error instanceof Problem ? error : new Problem("bad_video", "This browser cannot read this GIF.");
  } finally {
    decoder.close();
  }
}
