/** Who the person is to the gateway: a token, kept for as long as the tab is open. */
const KEY = "clearstack.token";

class Token {
  value = $state(sessionStorage.getItem(KEY) ?? "");
  /** The gateway has refused the last call for want of a (better) token. */
  wanted = $state(false);

  set(value: string): void {
    this.value = value.trim();
    this.wanted = false;
    sessionStorage.setItem(KEY, this.value);
  }
}

export const token = new Token();

export interface PageConfig {
  version: string;
  auth: "none" | "token";
}

export async function pageConfig(): Promise<PageConfig> {
  const response = await fetch("/config.json");
  return (await response.json()) as PageConfig;
}
