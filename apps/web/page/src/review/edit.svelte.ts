/** A mask while a person changes it, pixel by pixel. It is shown with a margin, so that it can grow. */
import type { Mask } from "../gen/clearstack/v1/mask_pb";

export interface Plane { slice: number; active: boolean[] }
interface Sides { height: number; width: number }

const MARGIN_PX = 2, SMALLEST_SIDE_PX = 9, LARGEST_SIDE_PX = 129;

const roomy = (side: number): number => Math.min(LARGEST_SIDE_PX, Math.max(SMALLEST_SIDE_PX, side + 2 * MARGIN_PX));

export class MaskEdit {
  /** Of the grid that is shown; odd, as are all sides. */
  readonly height: number;
  readonly width: number;
  planes = $state.raw<Plane[]>([]);
  changed = $state(0);
  readonly #extracted: Plane[];
  readonly #kernel: Sides;

  constructor(mask: Mask) {
    this.#kernel = { height: mask.summary?.kernelHeight ?? 1, width: mask.summary?.kernelWidth ?? 1 };
    this.height = roomy(this.#kernel.height);
    this.width = roomy(this.#kernel.width);
    this.#extracted = mask.planes.map((plane) => ({
      slice: plane.sliceOffset, active: resized(plane.active, this.#kernel, { height: this.height, width: this.width }),
    }));
    this.planes = this.#extracted;
  }

  isCentre(plane: number, at: number): boolean {
    return this.planes[plane]?.slice === 0 && at === (this.height >> 1) * this.width + (this.width >> 1);
  }

  toggle(plane: number, at: number): void {
    if (this.isCentre(plane, at)) return;
    this.planes = this.planes.map((each, index) =>
      index === plane ? { ...each, active: each.active.map((value, i) => (i === at ? !value : value)) } : each,
    );
    this.changed = this.planes.reduce(
      (sum, each, index) => sum + each.active.filter((value, i) => value !== this.#extracted[index]?.active[i]).length, 0,
    );
  }

  reset(): void {
    this.planes = this.#extracted;
    this.changed = 0;
  }

  count(plane: number): number {
    return this.planes[plane]?.active.filter(Boolean).length ?? 0;
  }

  /** The smallest kernel that holds all active pixels; of an unchanged mask the extracted one. */
  get kernel(): Sides {
    if (!this.changed) return this.#kernel;
    let y = 0, x = 0;
    for (const { active } of this.planes) {
      active.forEach((value, at) => {
        if (!value) return;
        y = Math.max(y, Math.abs(Math.floor(at / this.width) - (this.height >> 1)));
        x = Math.max(x, Math.abs((at % this.width) - (this.width >> 1)));
      });
    }
    return { height: 2 * y + 1, width: 2 * x + 1 };
  }

  get cropped(): Plane[] {
    const shown = { height: this.height, width: this.width };
    return this.planes.map(({ slice, active }) => ({ slice, active: resized(active, shown, this.kernel) }));
  }
}

/** The same kernel with other sides, around the same centre. */
function resized(active: boolean[], from: Sides, to: Sides): boolean[] {
  return Array.from({ length: to.height * to.width }, (_, at) => {
    const y = Math.floor(at / to.width) + (from.height - to.height) / 2, x = (at % to.width) + (from.width - to.width) / 2;
    return y >= 0 && y < from.height && x >= 0 && x < from.width && (active[y * from.width + x] ?? false);
  });
}

export const planeName = (slice: number): string => (slice < 0 ? "Z-1 (above)" : slice > 0 ? "Z+1 (below)" : "Z (center)");
