/** What the viewer measures of what it shows: brightness along a line, and how a residual goes with itself. */
import type { GetStackViewResponse } from "../gen/clearstack/v1/stack_service_pb";
import type { Layer } from "./layers";
import type { TileStore } from "./tiles";

export interface Line { x0: number; y0: number; x1: number; y1: number }

const MOST_SAMPLES = 1024;

/** Brightness along a line at full size, one value for each pixel of its length. */
export async function profile(tiles: TileStore, view: GetStackViewResponse, stack: string, slice: number, line: Line): Promise<number[]> {
  const length = Math.hypot(line.x1 - line.x0, line.y1 - line.y0);
  const count = Math.max(2, Math.min(MOST_SAMPLES, Math.round(length) + 1));
  const at = (from: number, to: number, i: number, side: number): number =>
    Math.min(side - 1, Math.max(0, Math.floor(from + ((to - from) * i) / (count - 1))));
  const points = Array.from({ length: count }, (_, i) => ({ x: at(line.x0, line.x1, i, view.width), y: at(line.y0, line.y1, i, view.height) }));
  const size = view.tileSize;
  return Promise.all(points.map(async ({ x, y }) => {
    const tile = await tiles.get(stack, { slice, level: 0, column: Math.floor(x / size), row: Math.floor(y / size) });
    return tile ? tile.values[(y % size) * tile.width + (x % size)]! : NaN;
  }));
}

export interface Autocorrelation { side: number; values: Float32Array; deviation: number }

/** The autocorrelation of a residual in the full-size tile around a point, up to `reach` pixels away. */
export async function autocorrelation(tiles: TileStore, view: GetStackViewResponse, layer: Layer, slice: number, x: number, y: number, reach = 8): Promise<Autocorrelation | undefined> {
  const size = view.tileSize;
  const place = {
    slice, level: 0,
    column: Math.floor(Math.min(view.width - 1, Math.max(0, x)) / size), row: Math.floor(Math.min(view.height - 1, Math.max(0, y)) / size),
  };
  const [noisy, result] = await Promise.all([tiles.get(layer.stack, place), tiles.get(layer.minus ?? "", place)]);
  if (!noisy || !result) return undefined;
  const values = noisy.values.map((value, i) => value - result.values[i]!);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  for (let i = 0; i < values.length; i++) values[i]! -= mean;
  const variance = covariance(values, noisy.width, noisy.height, 0, 0);
  const side = 2 * reach + 1, map = new Float32Array(side * side);
  for (let dy = 0; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const value = variance ? covariance(values, noisy.width, noisy.height, dy, dx) / variance : 0;
      map[(reach + dy) * side + reach + dx] = map[(reach - dy) * side + reach - dx] = value;
    }
  }
  return { side, values: map, deviation: Math.sqrt(variance) };
}

function covariance(values: Float32Array, width: number, height: number, dy: number, dx: number): number {
  let sum = 0, count = 0;
  for (let y = 0; y < height - dy; y++) {
    for (let x = Math.max(0, -dx); x < width - Math.max(0, dx); x++) {
      sum += values[y * width + x]! * values[(y + dy) * width + x + dx]!;
      count += 1;
    }
  }
  return count ? sum / count : 0;
}
