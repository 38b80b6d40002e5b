import { useEffect, useRef, useState } from 'react';
import { viewAsTargets } from './api.js';

const PAUSE = 200; // milliseconds without typing before the server is asked

/** The people whose name holds the text, as the server lists them; an answer to an older text is dropped. */
function useTargets(token, application, open, text) {
  const [found, setFound] = useState({ people: [], more: false });
  useEffect(() => {
    let current = true;
    if (!open) return undefined;
    const ask = () => viewAsTargets(token, application, text.trim() || null).then(
      (list) => current && setFound(list),
      (error) => current && setFound({ people: [], more: false, error }),
    );
    const timer = setTimeout(ask, PAUSE);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [token, application, open, text]);
  return found;
}

/** The choice of a person as whom to view the application, for who holds the tool. */
export function ViewAs({ token, application, onTarget }) {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');
  const box = useRef(null);
  const found = useTargets(token, application, open, text);
  const close = () => {
    box.current.open = false;
    setText('');
  };
  const choose = (person) => {
    close();
    onTarget(person);
  };
  return (
    <details className="viewas" ref={box} onToggle={(event) => setOpen(event.target.open)} onKeyDown={(event) => event.key === 'Escape' && close()}>
      <summary>View as…</summary>
      <div className="choice">
        <label htmlFor="target" className="hidden">
          Name of the person
        </label>
        <input id="target" type="search" placeholder="Search by name" autoComplete="off" value={text} onChange={(event) => setText(event.target.value)} />
        <ul aria-label="People of the application">
          {found.people.map((person) => (
            <li key={person.id}>
              <button type="button" onClick={() => choose(person)}>
                {person.displayName}
              </button>
            </li>
          ))}
        </ul>
        {found.more && <p className="hint">There are more: type a part of the name.</p>}
        {found.error && <p className="hint">{found.error.message}</p>}
        {!found.error && found.people.length === 0 && <p className="hint">Nobody of this name.</p>}
      </div>
    </details>
  );
}
