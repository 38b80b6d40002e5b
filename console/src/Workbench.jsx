import { useEffect, useMemo } from 'react';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';
import { authorizedFetch } from './api.js';
import { applicationOf, socketAddress } from './endpoint.js';
import { examples } from './examples.js';
import { withSubscriptions, withoutSubscriptions } from './fetcher.js';
import { drawer } from './storage.js';

const EMPTY = `# This viewer has no field to query here.
`;

function socket(endpoint, token) {
  return createClient({
    url: socketAddress(endpoint, window.location),
    lazy: true,
    retryAttempts: 0,
    connectionParams: token ? { authorization: `Bearer ${token}` } : {},
  });
}

/**
 * A fetcher that answers the first introspection with what the page has read
 * already; the refresh button of GraphiQL asks the server again.
 */
function withKnownSchema(fetcher, data) {
  let known = { data };
  return (params, options) => {
    if (params.operationName !== 'IntrospectionQuery' || !known) return fetcher(params, options);
    const answer = Promise.resolve(known);
    known = null;
    return answer;
  };
}

/** GraphiQL for one endpoint, one token and one person as whom its owner views, or none; the caller keys it by all. */
export function Workbench({ endpoint, token, as, data, schema }) {
  const wsClient = useMemo(() => socket(endpoint, token), [endpoint, token]);
  useEffect(() => () => void wsClient.dispose(), [wsClient]);
  const fetcher = useMemo(() => {
    const plain = createGraphiQLFetcher({ url: endpoint, fetch: authorizedFetch(token, as) });
    return withKnownSchema(as ? withoutSubscriptions(plain) : withSubscriptions(plain, wsClient), data);
  }, [endpoint, token, as, data, wsClient]);
  const explorer = useMemo(() => explorerPlugin({ showAttribution: false }), []);
  const plugins = useMemo(() => [HISTORY_PLUGIN, explorer], [explorer]);
  const storage = useMemo(() => drawer(window.localStorage, endpoint), [endpoint]);
  const tabs = useMemo(() => examples(schema).map((query) => ({ query })), [schema]);
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={plugins}
      visiblePlugin={explorer}
      storage={storage}
      defaultTabs={tabs.length > 0 ? tabs : [{ query: EMPTY }]}
      defaultEditorToolsVisibility={false}
      shouldPersistHeaders={false}
      inputValueDeprecation={false}
    >
      <GraphiQL.Logo>
        <span className="where">{applicationOf(endpoint) ?? 'Management API'}</span>
      </GraphiQL.Logo>
    </GraphiQL>
  );
}
