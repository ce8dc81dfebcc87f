/** Where the person is: everything that a link should lead back to stands in the address. */
function parse(hash: string): { path: string[]; query: URLSearchParams } {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean), query: new URLSearchParams(query) };
}

class Route {
  #now = $state.raw(parse(location.hash));

  constructor() {
    addEventListener("hashchange", () => (this.#now = parse(location.hash)));
  }

  get path(): string[] {
    return this.#now.path;
  }

  get(key: string): string {
    return this.#now.query.get(key) ?? "";
  }

  entries(): [string, string][] {
    return [...this.#now.query.entries()];
  }

  /** Changes parts of the query without a new entry in the history; "" removes one. */
  set(changes: Record<string, string>): void {
    const query = new URLSearchParams(this.#now.query);
    for (const [key, value] of Object.entries(changes)) {
      if (value) query.set(key, value);
      else query.delete(key);
    }
    history.replaceState(null, "", href(this.#now.path.join("/"), query));
    this.#now = { path: this.#now.path, query };
  }
}

export const route = new Route();

export function href(path: string, query: URLSearchParams | Record<string, string> = {}): string {
  const text = new URLSearchParams(query).toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}

export function go(path: string, query: URLSearchParams | Record<string, string> = {}): void {
  location.hash = href(path, query);
}
