/** What all panes of a viewer share: place, slice, contrast. */
import { stacks } from "../api/clients";
import type { GetStackViewResponse } from "../gen/clearstack/v1/stack_service_pb";
import { route } from "../ui/route.svelte";
import { type Camera, fitting, panned, type Size, zoomed } from "./camera";
import type { Layer, LayerId } from "./layers";
import type { Line } from "./measures";
import { type Look, Painter } from "./painter";
import { TileStore } from "./tiles";

export class Scene {
  camera = $state.raw<Camera>({ x: 0, y: 0, zoom: 1 });
  slice = $state(0);
  low = $state(0);
  high = $state(1);
  residual = $state(1);
  line = $state.raw<Line | undefined>();
  measuring = $state(false);
  /** Grows with every tile that comes; what draws depends on it. */
  tick = $state(0);
  readonly tiles = new TileStore(() => (this.tick += 1));
  readonly painter: Painter;
  // Where the person has gone to; until then a pane shows the whole slice.
  #moved = false;

  constructor(readonly view: GetStackViewResponse, readonly layers: Layer[]) {
    this.painter = new Painter(this.tiles, view);
    const asked = Number.parseInt(route.get("slice"), 10);
    this.slice = this.bounded(Number.isNaN(asked) ? Math.floor(view.sliceCount / 2) : asked - 1);
    this.autoContrast();
  }

  static async of(layers: Layer[]): Promise<Scene> {
    return new Scene(await stacks.getStackView({ name: layers[0]?.stack ?? "" }), layers);
  }

  get image(): Size {
    return { width: this.view.width, height: this.view.height };
  }

  get look(): Look {
    return { slice: this.slice, low: this.low, high: this.high, residual: this.residual };
  }

  layer(id: LayerId): Layer | undefined {
    return this.layers.find((layer) => layer.id === id);
  }

  autoContrast(): void {
    [this.low, this.high] = [this.view.low, this.view.high];
    this.residual = (this.view.high - this.view.low) / 4;
  }

  /** The whole slice in a pane of a new size, unless the person has gone somewhere. */
  fitUnmoved(pane: Size): void {
    if (!this.#moved && pane.width && pane.height) this.fit(pane);
  }

  fit(pane: Size): void {
    this.#moved = false;
    this.camera = fitting(this.image, pane);
  }

  zoom(factor: number, at: { x: number; y: number }, pane: Size): void {
    this.#moved = true;
    this.camera = zoomed(this.camera, factor, at, this.image, pane);
  }

  pan(dx: number, dy: number): void {
    this.#moved = true;
    this.camera = panned(this.camera, dx, dy, this.image);
  }

  bounded(slice: number): number {
    return Math.min(this.view.sliceCount - 1, Math.max(0, Math.round(slice)));
  }

  go(slice: number): void {
    this.slice = this.bounded(slice);
    route.set({ slice: String(this.slice + 1) });
  }

  startMeasuring(on: boolean): void {
    this.measuring = on;
    const reach = 0.35 * Math.min(this.view.width, 512 / this.camera.zoom);
    this.line = on ? { x0: this.camera.x - reach, x1: this.camera.x + reach, y0: this.camera.y, y1: this.camera.y } : undefined;
  }
}
