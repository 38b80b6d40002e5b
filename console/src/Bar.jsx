import { useEffect, useState } from 'react';
import icon from './icon.svg';
import { applicationEndpoint, applicationOf } from './endpoint.js';
import { ViewAs } from './ViewAs.jsx';

const OTHER = 'other';

function label(endpoint) {
  const application = applicationOf(endpoint);
  return application ?? 'Management API';
}

/** The choice of an API, with a way to name an application that is not listed. */
function EndpointPicker({ endpoint, choices, onEndpoint }) {
  const [typing, setTyping] = useState(false);
  const [wrong, setWrong] = useState(false);
  const listed = choices.includes(endpoint) ? choices : [endpoint, ...choices];
  const choose = (event) => {
    if (event.target.value === OTHER) return setTyping(true);
    setTyping(false);
    return onEndpoint(event.target.value);
  };
  const submit = (event) => {
    event.preventDefault();
    const path = applicationEndpoint(new FormData(event.target).get('application').trim());
    setWrong(!path);
    if (!path) return;
    setTyping(false);
    onEndpoint(path);
  };
  return (
    <div className="control">
      <label htmlFor="endpoint">Application</label>
      <select id="endpoint" value={typing ? OTHER : endpoint} onChange={choose}>
        {listed.map((path) => (
          <option key={path} value={path}>
            {label(path)}
          </option>
        ))}
        <option value={OTHER}>Other application…</option>
      </select>
      {typing && (
        <form onSubmit={submit} className="inline">
          <label htmlFor="application" className="hidden">
            Name of the application
          </label>
          <input id="application" name="application" placeholder="name" required aria-invalid={wrong} autoFocus />
          <button type="submit">Open</button>
        </form>
      )}
    </div>
  );
}

/** The demo's people, grouped by the application they belong to. */
function PersonaPicker({ people, persona, onPersona }) {
  const groups = Object.groupBy(people.map((p, index) => ({ ...p, index })), (p) => p.application || '');
  const choose = (event) => event.target.value !== '' && onPersona(people[Number(event.target.value)]);
  return (
    <div className="control">
      <label htmlFor="persona">Persona</label>
      <select id="persona" value={persona ? people.indexOf(persona) : ''} onChange={choose}>
        {!persona && <option value="">Own token</option>}
        {Object.entries(groups).map(([application, members]) => (
          <optgroup key={application} label={application || 'Organization'}>
            {members.map((p) => (
              <option key={p.index} value={p.index}>
                {p.name.includes('(') ? p.name : `${p.name} · ${p.role || p.kind}`}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </div>
  );
}

/** The bearer token; used when the field is left or Enter is pressed. */
function TokenBox({ token, onToken }) {
  const [text, setText] = useState(token);
  useEffect(() => setText(token), [token]);
  const use = (event) => {
    event?.preventDefault();
    const clean = text.trim().replace(/^Bearer\s+/i, '');
    if (clean !== token) onToken(clean);
  };
  return (
    <form className="control" onSubmit={use}>
      <label htmlFor="token">Token</label>
      <input
        id="token"
        type="password"
        autoComplete="off"
        spellCheck={false}
        value={text}
        placeholder="sent as Authorization: Bearer"
        onChange={(event) => setText(event.target.value)}
        onBlur={use}
      />
    </form>
  );
}

function readable(value) {
  if (typeof value !== 'string' || !/^[A-Z0-9_]+$/.test(value)) return String(value);
  const words = value.toLowerCase().replaceAll('_', ' ');
  return words[0].toUpperCase() + words.slice(1);
}

/** Name, kind, role and permission set, from the demo's list or the server. */
function Who({ persona, who }) {
  const source = { ...who, ...persona };
  const name = source.name || source.displayName || source.email;
  const facts = [
    ['Kind', source.kind],
    ['Role', source.role],
    ['Permission set', source.permissionSet],
  ].filter(([, value]) => value);
  if (!name && facts.length === 0) return null;
  return (
    <section className="who" aria-label="Who is answered" aria-live="polite">
      {name && <strong>{name}</strong>}
      <dl>
        {facts.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{readable(value)}</dd>
          </div>
        ))}
      </dl>
      {persona?.description && <p>{persona.description}</p>}
    </section>
  );
}

export function Bar({ people, viewer, who, target, application, endpoint, choices, onPersona, onEndpoint, onTarget, onToken, onLeave }) {
  return (
    <header className="bar">
      <h1>
        <img src={icon} alt="" width="24" height="24" /> Sluice <span>playground</span>
      </h1>
      {people && <PersonaPicker people={people} persona={viewer.persona} onPersona={onPersona} />}
      <EndpointPicker endpoint={endpoint} choices={choices} onEndpoint={onEndpoint} />
      {application && <ViewAs key={`${application} ${viewer.token}`} token={viewer.token} application={application} onTarget={onTarget} />}
      <TokenBox token={viewer.token} onToken={onToken} />
      {viewer.token && !viewer.persona && (
        <button type="button" className="leave" onClick={onLeave}>
          Sign out
        </button>
      )}
      <Who persona={target ? null : viewer.persona} who={who} />
    </header>
  );
}

