/** What part of a slice is looked at: the image point in the middle of a pane, and screen pixels per image pixel. */
export interface Camera { x: number; y: number; zoom: number }
export interface Size { width: number; height: number }

const LARGEST_ZOOM = 40;

export const fitting = (image: Size, pane: Size): Camera => ({
  x: image.width / 2,
  y: image.height / 2,
  zoom: Math.min(pane.width / image.width, pane.height / image.height) || 1,
});

/** Zooms so that the point under the pointer stays where it is. `at` is counted from the pane's middle. */
export function zoomed(camera: Camera, factor: number, at: { x: number; y: number }, image: Size, pane: Size): Camera {
  const smallest = fitting(image, pane).zoom / 2;
  const zoom = Math.min(LARGEST_ZOOM, Math.max(smallest, camera.zoom * factor));
  return bounded({ x: camera.x + at.x / camera.zoom - at.x / zoom, y: camera.y + at.y / camera.zoom - at.y / zoom, zoom }, image);
}

export const panned = (camera: Camera, dx: number, dy: number, image: Size): Camera =>
  bounded({ ...camera, x: camera.x - dx / camera.zoom, y: camera.y - dy / camera.zoom }, image);

const bounded = (camera: Camera, image: Size): Camera => ({
  ...camera,
  x: Math.min(image.width, Math.max(0, camera.x)),
  y: Math.min(image.height, Math.max(0, camera.y)),
});

/** The image point under a point of the pane, which is counted from the pane's middle. */
export const imagePoint = (camera: Camera, at: { x: number; y: number }) => ({
  x: camera.x + at.x / camera.zoom,
  y: camera.y + at.y / camera.zoom,
});
