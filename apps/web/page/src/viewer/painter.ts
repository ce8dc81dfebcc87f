/** Draws a layer's tiles as the camera sees them. */
import type { GetStackViewResponse } from "../gen/clearstack/v1/stack_service_pb";
import { signedColour } from "../ui/heat";
import type { Camera } from "./camera";
import type { Layer } from "./layers";
import type { Place, Tile, TileStore } from "./tiles";

export interface Look { slice: number; low: number; high: number; residual: number }

const MOST_PICTURES = 256;

export class Painter {
  readonly #pictures = new Map<string, { tile: Tile; canvas: HTMLCanvasElement }>();

  constructor(private readonly tiles: TileStore, private readonly view: GetStackViewResponse) {}

  paint(context: CanvasRenderingContext2D, layer: Layer, camera: Camera, look: Look, width: number, height: number): void {
    const coarsest = this.view.levels.length - 1;
    const level = Math.max(0, Math.min(coarsest, Math.floor(Math.log2(1 / (camera.zoom * devicePixelRatio)) + 0.25)));
    context.imageSmoothingEnabled = camera.zoom < 1;
    // A picture of the whole slice lies beneath until the sharp tiles are there.
    if (level !== coarsest) this.#level(context, layer, camera, look, coarsest, width, height);
    this.#level(context, layer, camera, look, level, width, height);
  }

  #level(context: CanvasRenderingContext2D, layer: Layer, camera: Camera, look: Look, level: number, width: number, height: number): void {
    const size = this.view.tileSize, scale = 2 ** level, step = size * scale;
    const { height: rows = 1, width: columns = 1 } = this.view.levels[level] ?? {};
    const left = camera.x - width / 2 / camera.zoom, top = camera.y - height / 2 / camera.zoom;
    const last = { column: Math.ceil(columns / size) - 1, row: Math.ceil(rows / size) - 1 };
    for (let row = Math.max(0, Math.floor(top / step)); row <= Math.min(last.row, (top + height / camera.zoom) / step); row++) {
      for (let column = Math.max(0, Math.floor(left / step)); column <= Math.min(last.column, (left + width / camera.zoom) / step); column++) {
        const picture = this.#picture(layer, { slice: look.slice, level, column, row }, look);
        if (!picture) continue;
        const x = (column * step - left) * camera.zoom, y = (row * step - top) * camera.zoom;
        context.drawImage(picture, x, y, picture.width * scale * camera.zoom, picture.height * scale * camera.zoom);
      }
    }
  }

  #picture(layer: Layer, place: Place, look: Look): HTMLCanvasElement | undefined {
    const tile = this.tiles.peek(layer.stack, place);
    const other = layer.minus ? this.tiles.peek(layer.minus, place) : undefined;
    if (!tile || (layer.minus && !other)) return undefined;
    const range = layer.minus ? `${look.residual}` : `${look.low},${look.high}`;
    const key = `${layer.id}|${place.slice}|${place.level}|${place.column}|${place.row}|${range}`;
    const known = this.#pictures.get(key);
    if (known?.tile === tile) return known.canvas;
    const canvas = other ? residual(tile, other, look.residual) : grey(tile, look.low, look.high);
    this.#pictures.set(key, { tile, canvas });
    if (this.#pictures.size > MOST_PICTURES) this.#pictures.delete(this.#pictures.keys().next().value!);
    return canvas;
  }
}

function grey(tile: Tile, low: number, high: number): HTMLCanvasElement {
  return drawn(tile, (pixels) => {
    const words = new Uint32Array(pixels.buffer);
    const factor = 255 / (high - low || 1);
    for (let i = 0; i < words.length; i++) {
      const value = ((tile.values[i]! - low) * factor) | 0;
      words[i] = 0xff000000 | ((value < 0 ? 0 : value > 255 ? 255 : value) * 0x010101);
    }
  });
}

function residual(noisy: Tile, result: Tile, range: number): HTMLCanvasElement {
  return drawn(noisy, (pixels) => {
    for (let i = 0; i < noisy.values.length; i++) signedColour((noisy.values[i]! - result.values[i]!) / (range || 1), pixels, 4 * i);
  });
}

function drawn(tile: Tile, fill: (pixels: Uint8ClampedArray) => void): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = tile.width;
  canvas.height = tile.height;
  const image = new ImageData(tile.width, tile.height);
  fill(image.data);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}
