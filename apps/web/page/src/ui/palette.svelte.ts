/** The theme's colours for what is drawn on canvases; follows the system's theme. */
const light = matchMedia("(prefers-color-scheme: light)");

class Palette {
  #light = $state(light.matches);

  constructor() {
    light.addEventListener("change", (event) => (this.#light = event.matches));
  }

  of(name: string): string {
    void this.#light;
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }
}

export const palette = new Palette();
