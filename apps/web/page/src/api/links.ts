/** Presigned links lead to the object store; the browser gets there through the page's own server. */
export function relayed(url: string): string {
  const parsed = new URL(url);
  return `/store${parsed.pathname}${parsed.search}`;
}

/** Lets the browser save what a link leads to. */
export function save(href: string, fileName: string): void {
  const anchor = document.createElement("a");
  anchor.href = href;
  anchor.download = fileName;
  anchor.click();
}

export function saveBlob(parts: Uint8Array[], type: string, fileName: string): void {
  const url = URL.createObjectURL(new Blob(parts as BlobPart[], { type }));
  save(url, fileName);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
