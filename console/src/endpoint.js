// Where requests go. Only two kinds of path exist, both on the host that served
// the page, so that a link to the playground cannot send a token elsewhere.

/** The management API. */
export const MANAGEMENT = '/graphql';

const APPLICATION = /^[A-Za-z][A-Za-z0-9_-]{0,63}(@[A-Za-z][A-Za-z0-9_-]{0,63})?$/;

/** The path of an application's API; null when the name cannot be one. */
export function applicationEndpoint(name) {
  return APPLICATION.test(name) ? `/apps/${name}/graphql` : null;
}

/** The application that a path names; null for the management API. */
export function applicationOf(endpoint) {
  const match = /^\/apps\/([^/]+)\/graphql$/.exec(endpoint);
  return match ? match[1] : null;
}

/** Returns value if it is one of our paths, else null. */
export function checkEndpoint(value) {
  if (value === MANAGEMENT) return value;
  const name = applicationOf(value ?? '');
  return name ? applicationEndpoint(name) : null;
}

/** The WebSocket address of a path on this page's host. */
export function socketAddress(endpoint, location) {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${scheme}//${location.host}${endpoint}`;
}
