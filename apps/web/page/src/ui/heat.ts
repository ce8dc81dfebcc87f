/** The signed colour map of correlations and residuals: blue below zero, black at zero, amber above. */
const BELOW = [84, 168, 255] as const;
const ABOVE = [255, 184, 92] as const;

/** Writes the colour of a value from -1 to 1 as RGBA at `at`. */
export function signedColour(value: number, into: Uint8ClampedArray, at: number): void {
  const strength = Math.min(1, Math.abs(value));
  const colour = value < 0 ? BELOW : ABOVE;
  into[at] = colour[0] * strength;
  into[at + 1] = colour[1] * strength;
  into[at + 2] = colour[2] * strength;
  into[at + 3] = 255;
}
