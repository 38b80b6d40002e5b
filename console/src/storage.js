// GraphiQL keeps tabs, history and settings in the browser. Each endpoint gets
// its own drawer, and request headers are never kept: they may hold a token.

function harmless(key, value) {
  if (key.endsWith(':headers')) return '';
  return /:(queries|favorites|tabState)$/.test(key) ? withoutHeaders(value) : value;
}

/** Empties every "headers" member of a JSON text; empty when it is not JSON. */
export function withoutHeaders(text) {
  try {
    return JSON.stringify(JSON.parse(text), (key, value) => (key === 'headers' ? null : value));
  } catch {
    return '';
  }
}

/** A Storage for one endpoint over another Storage. */
export function drawer(storage, endpoint) {
  const prefix = `sluice:${endpoint}:`;
  const own = () => Object.keys(storage).filter((k) => k.startsWith(prefix));
  return {
    getItem: (key) => storage.getItem(prefix + key),
    setItem: (key, value) => storage.setItem(prefix + key, harmless(key, value)),
    removeItem: (key) => storage.removeItem(prefix + key),
    clear: () => own().forEach((k) => storage.removeItem(k)),
    get length() {
      return own().length;
    },
  };
}
