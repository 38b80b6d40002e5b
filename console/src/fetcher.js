// What runs the operations of GraphiQL: subscriptions over a socket, everything
// else as the fetcher that it is given does.
import { getOperationAST, parse } from 'graphql';

/**
 * Whether a subscription is to run. The text is read here: the document that
 * GraphiQL hands on is a moment behind what is typed.
 */
function isSubscription({ query, operationName }) {
  try {
    return getOperationAST(parse(query), operationName)?.operation === 'subscription';
  } catch {
    return false; // the server says what is wrong with it
  }
}

/** Why a subscription ended, as errors of an answer: the server's, or how the socket was closed. */
function errorsOf(reason) {
  if (Array.isArray(reason)) return reason;
  if (reason instanceof Error) return [{ message: reason.message }];
  const words = [reason?.reason || 'no reason given', reason?.code].filter(Boolean).join(', ');
  return [{ message: `The connection was closed: ${words}` }];
}

/** The answers of a subscription; one that breaks ends with an answer that says why. */
function answers(client, params) {
  const live = client.iterate(params);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => live.next().catch((reason) => ({ done: false, value: { errors: errorsOf(reason) } })),
    return: () => live.return(),
  };
}

const READ_ONLY = 'Viewing as another person is read-only: it answers queries, and no subscriptions.';

/** A fetcher for GraphiQL while one views as somebody else: the server refuses mutations in its own words. */
export function withoutSubscriptions(plain) {
  return (params, options) => (isSubscription(params) ? Promise.resolve({ errors: [{ message: READ_ONLY }] }) : plain(params, options));
}

/** A fetcher for GraphiQL: client is one of graphql-ws, plain is for queries and mutations. */
export function withSubscriptions(plain, client) {
  return (params, options) => (isSubscription(params) ? answers(client, params) : plain(params, options));
}
