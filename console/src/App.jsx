import { useCallback, useEffect, useMemo, useState } from 'react';
import { introspect, personas as loadPersonas, places as loadPlaces, post, signIn, signOut } from './api.js';
import { Bar } from './Bar.jsx';
import { applicationEndpoint, applicationOf, checkEndpoint, MANAGEMENT } from './endpoint.js';
import { whoQuery } from './examples.js';
import { Failure, Viewing, Welcome } from './Notice.jsx';
import { Workbench } from './Workbench.jsx';

const NOBODY = { token: '', persona: null, session: false };

/** What the address of the page asks for; only names and our own paths count. */
function wanted() {
  const query = new URLSearchParams(window.location.search);
  return { endpoint: checkEndpoint(query.get('endpoint')), persona: query.get('persona') };
}

function remember(endpoint, persona) {
  const query = new URLSearchParams({ endpoint });
  if (persona) query.set('persona', persona.name);
  window.history.replaceState(null, '', `?${query}`);
}

function endpointOf(persona) {
  return (persona.application && applicationEndpoint(persona.application)) || MANAGEMENT;
}

function endpoints(people, names) {
  const all = new Set([...(people ?? []).map(endpointOf), ...names.map(applicationEndpoint).filter(Boolean)]);
  all.delete(MANAGEMENT);
  return [...[...all].sort(), MANAGEMENT];
}

function keyOf(endpoint, token, as) {
  return `${endpoint} ${token} ${as ?? ''}`;
}

/** Reads the schema for one endpoint, token and person viewed as; an answer for older ones is dropped. */
function useSchema(endpoint, token, as, attempt) {
  const [state, setState] = useState({ phase: 'idle' });
  useEffect(() => {
    let current = true;
    if (!endpoint) return undefined;
    setState({ phase: 'loading' });
    introspect(endpoint, token, as).then(
      (result) => current && setState({ phase: 'ready', key: keyOf(endpoint, token, as), ...result }),
      (error) => current && setState({ phase: 'failed', error }),
    );
    return () => {
      current = false;
    };
  }, [endpoint, token, as, attempt]);
  return state;
}

/** Asks the server who is answered here; null when it does not say. */
function useWho(endpoint, token, as, schema) {
  const [who, setWho] = useState(null);
  useEffect(() => {
    let current = true;
    setWho(null);
    const query = schema && token ? whoQuery(schema) : null;
    if (query) post(endpoint, token, { query }, as).then((data) => current && setWho({ ...data.me?.user, ...data.me }), () => {});
    return () => {
      current = false;
    };
  }, [endpoint, token, as, schema]);
  return who;
}

export function App() {
  const [people, setPeople] = useState(undefined); // undefined: not known yet; null: no demo
  const [viewer, setViewer] = useState(NOBODY);
  const [endpoint, setEndpoint] = useState(null);
  const [places, setPlaces] = useState([]);
  const [target, setTarget] = useState(null); // as whom one views, null for oneself
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    loadPersonas().catch(() => null).then((list) => {
      const { endpoint: asked, persona: name } = wanted();
      const first = list?.find((p) => p.name === name) ?? list?.[0];
      setPeople(list);
      if (first) setViewer({ token: first.token, persona: first, session: false });
      setEndpoint(asked ?? (first ? endpointOf(first) : MANAGEMENT));
    });
  }, []);

  useEffect(() => {
    let current = true;
    setPlaces([]);
    if (viewer.token) loadPlaces(viewer.token).then((list) => current && setPlaces(list));
    return () => {
      current = false;
    };
  }, [viewer]);

  useEffect(() => {
    if (endpoint) remember(endpoint, viewer.persona);
  }, [endpoint, viewer]);

  const become = useCallback((persona) => {
    setTarget(null);
    setViewer({ token: persona.token, persona, session: false });
    setEndpoint(endpointOf(persona));
  }, []);
  const useToken = useCallback((token) => {
    setTarget(null);
    setViewer({ ...NOBODY, token });
  }, []);
  const goTo = useCallback((path) => {
    setTarget(null);
    setEndpoint(path);
  }, []);
  const beOneself = useCallback(() => setTarget(null), []);
  const enter = useCallback(async (form) => setViewer({ ...NOBODY, token: await signIn(form), session: true }), []);
  const leave = useCallback(() => {
    if (viewer.session) signOut(viewer.token).catch(() => {});
    setTarget(null);
    setViewer(NOBODY);
  }, [viewer]);

  const as = target?.id;
  const state = useSchema(endpoint, viewer.token, as, attempt);
  const ready = state.phase === 'ready' && state.key === keyOf(endpoint, viewer.token, as);
  const who = useWho(endpoint, viewer.token, as, ready ? state.schema : null);
  const stranger = !viewer.token && !viewer.persona;
  const choices = useMemo(() => endpoints(people, viewer.persona ? [] : places.map((place) => place.application)), [people, viewer, places]);
  const application = endpoint && applicationOf(endpoint);
  const mayViewAs = places.some((place) => place.application === application && place.tools.includes('VIEW_AS'));

  if (people === undefined || !endpoint) return <p className="loading">Loading the playground…</p>;
  return (
    <>
      <Bar
        people={people}
        viewer={viewer}
        who={who}
        target={target}
        application={mayViewAs ? application : null}
        endpoint={endpoint}
        choices={choices}
        onPersona={become}
        onEndpoint={goTo}
        onTarget={setTarget}
        onToken={useToken}
        onLeave={leave}
      />
      {target && <Viewing target={target} onLeave={beOneself} />}
      <main aria-busy={!ready && state.phase !== 'failed'}>
        {state.phase === 'failed' && stranger && <Welcome onSignIn={enter} error={state.error} endpoint={endpoint} />}
        {state.phase === 'failed' && !stranger && (
          <Failure error={state.error} endpoint={endpoint} onRetry={() => setAttempt((n) => n + 1)} />
        )}
        {ready && <Workbench key={state.key} endpoint={endpoint} token={viewer.token} as={as} data={state.data} schema={state.schema} />}
        {!ready && state.phase !== 'failed' && <p className="loading">Reading the schema…</p>}
      </main>
    </>
  );
}
