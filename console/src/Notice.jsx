import { useState } from 'react';

function Messages({ error }) {
  return (
    <ul role="alert" className="messages">
      {(error.messages ?? [error.message]).map((message, index) => (
        <li key={index}>{message}</li>
      ))}
    </ul>
  );
}

/** Why there is no schema to show: the server's own words. */
export function Failure({ error, endpoint, onRetry }) {
  return (
    <section className="notice" aria-labelledby="failure">
      <h2 id="failure">The schema could not be read</h2>
      <p>
        <code>{endpoint}</code> answered:
      </p>
      <Messages error={error} />
      <p className="hint">Choose another application, check the token, or try again.</p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </section>
  );
}

/** Says, as long as it is so, that what is shown is somebody else's. */
export function Viewing({ target, onLeave }) {
  return (
    <div className="viewing" role="status">
      <p>
        Viewing as <strong>{target.displayName}</strong>, read-only. You see what both of you may see, and each request is written down.
      </p>
      <button type="button" onClick={onLeave}>
        Back to yourself
      </button>
    </div>
  );
}

/** What somebody without a token sees: the form that gets one. */
export function Welcome({ onSignIn, error, endpoint }) {
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const form = Object.fromEntries(new FormData(event.target));
    setBusy(true);
    setFailure(null);
    try {
      await onSignIn(form);
    } catch (problem) {
      setFailure(problem);
      setBusy(false);
    }
  };
  return (
    <section className="notice" aria-labelledby="signin">
      <h2 id="signin">Sign in</h2>
      <p>The schema that you get is cut to what you may see, so the playground has to know who you are.</p>
      <form onSubmit={submit} className="signin">
        <label htmlFor="organization">Organization</label>
        <input id="organization" name="organization" autoComplete="organization" required />
        <label htmlFor="email">E-mail</label>
        <input id="email" name="email" type="email" autoComplete="username" required />
        <label htmlFor="password">Password</label>
        <input id="password" name="password" type="password" autoComplete="current-password" required />
        <button type="submit" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      {failure && <Messages error={failure} />}
      <p className="hint">Or paste a personal token above.</p>
      <details>
        <summary>
          What <code>{endpoint}</code> answered without a token
        </summary>
        <Messages error={error} />
      </details>
    </section>
  );
}
