import { buildClientSchema, getIntrospectionQuery } from 'graphql';

const ACCEPT = 'application/graphql-response+json, application/json';

/** A failure to show: what the server said, in plain words. */
export class ApiError extends Error {
  constructor(messages, status) {
    super(messages.join('\n'));
    this.messages = messages;
    this.status = status;
  }
}

/** The headers that say who asks, and as whom: a person's id, or nothing for oneself. */
function identity(token, as) {
  return { ...(token && { Authorization: `Bearer ${token}` }), ...(as && { 'Sluice-View-As': as }) };
}

/**
 * fetch for GraphiQL: adds the token, and turns an answer that is not JSON (a
 * proxy's error page, a refused body) into a GraphQL error that can be read.
 */
export function authorizedFetch(token, as) {
  return async (url, init) => {
    const headers = { Accept: ACCEPT, ...init.headers, ...identity(token, as) };
    const response = await fetch(url, { ...init, headers, credentials: 'same-origin', redirect: 'error' });
    const type = response.headers.get('content-type') ?? '';
    if (/json|event-stream|multipart/.test(type)) return response;
    const text = (await response.text()).trim().slice(0, 500);
    const message = `HTTP ${response.status} ${response.statusText}${text ? `: ${text}` : ''}`;
    return new Response(JSON.stringify({ errors: [{ message }] }), {
      status: 200,
      headers: { 'content-type': 'application/json' },
    });
  };
}

/** Sends one operation; returns its data or throws an ApiError. */
export async function post(endpoint, token, body, as) {
  let response;
  try {
    response = await authorizedFetch(token, as)(endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  } catch (error) {
    throw new ApiError([`The server cannot be reached: ${error.message}`], 0);
  }
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new ApiError([`The server answered something that is not JSON (HTTP ${response.status}).`], response.status);
  }
  if (Array.isArray(answer.errors) && answer.errors.length > 0) {
    throw new ApiError(answer.errors.map(describe), response.status);
  }
  if (!answer.data) throw new ApiError([`The server answered without data (HTTP ${response.status}).`], response.status);
  return answer.data;
}

function describe(error) {
  const code = error.extensions?.code;
  const message = error.message || 'unknown error';
  return code ? `${message} (${code})` : message;
}

/** Reads the schema as the token's owner sees it, or the one as whom they view. */
export async function introspect(endpoint, token, as) {
  const data = await post(endpoint, token, {
    query: getIntrospectionQuery(),
    operationName: 'IntrospectionQuery',
  }, as);
  return { data, schema: buildClientSchema(data) };
}

/** Opens a session with a password and returns its token. */
export async function signIn({ organization, email, password }) {
  const data = await post('/graphql', '', {
    query: `mutation SignIn($organization: String!, $email: String!, $password: String!) {
      signIn(organization: $organization, email: $email, password: $password) { token }
    }`,
    operationName: 'SignIn',
    variables: { organization, email, password },
  });
  return data.signIn.token;
}

/** Ends the session of a token. */
export async function signOut(token) {
  await post('/graphql', token, { query: 'mutation SignOut { signOut { signedOut } }', operationName: 'SignOut' });
}

/** The applications that the token's owner has a place in, with the tools held there; empty when unknown. */
export async function places(token) {
  try {
    const data = await post('/graphql', token, { query: '{ me { applications { application tools } } }' });
    return data.me.applications;
  } catch {
    return [];
  }
}

/** The people as whom the token's owner may view an application: those whose name holds the text. */
export async function viewAsTargets(token, application, search) {
  const data = await post('/graphql', token, {
    query: `query Targets($application: String!, $search: String) {
      viewAsTargets(application: $application, search: $search, first: 20) { nodes { id displayName } pageInfo { hasNextPage } }
    }`,
    operationName: 'Targets',
    variables: { application, search },
  });
  return { people: data.viewAsTargets.nodes, more: data.viewAsTargets.pageInfo.hasNextPage };
}

/** The demo's personas; null when this server is not a demo. */
export async function personas() {
  const response = await fetch('./personas.json', { headers: { Accept: 'application/json' } });
  if (!response.ok) return null;
  return response.json();
}
