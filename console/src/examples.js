import { getNamedType, isEnumType, isListType, isNonNullType, isObjectType, isScalarType } from 'graphql';

// Example operations are made from the schema that the viewer got, so they never
// name a field that this viewer does not have.

const MAX_FIELDS = 7;

function isLeaf(type) {
  const named = getNamedType(type);
  return isScalarType(named) || isEnumType(named);
}

function needsArguments(field) {
  return field.args.some((a) => isNonNullType(a.type) && a.defaultValue === undefined);
}

function isList(type) {
  return isListType(isNonNullType(type) ? type.ofType : type);
}

/** Plain fields first, then one level into single objects that have a name. */
function selection(type, depth) {
  const fields = Object.values(type.getFields()).filter((f) => !needsArguments(f) && !f.deprecationReason);
  const leaves = fields.filter((f) => isLeaf(f.type)).map((f) => f.name);
  const chosen = pick(leaves).map((name) => `${name}`);
  if (depth > 0) {
    for (const field of fields) {
      const named = getNamedType(field.type);
      if (!isObjectType(named) || named.name.endsWith('Connection') || isList(field.type)) continue;
      const inner = labels(named);
      if (inner.length > 0) chosen.push(`${field.name} { ${inner.join(' ')} }`);
      if (chosen.length >= MAX_FIELDS + 2) break;
    }
  }
  return chosen;
}

/** The fields worth a first look: id, then the form's own, not the system's. */
function pick(names) {
  const system = /^(viewerCan|added|modified|version$|id$)/;
  const own = names.filter((n) => !system.test(n));
  const first = names.includes('id') ? ['id'] : [];
  return [...first, ...own].slice(0, MAX_FIELDS);
}

function labels(type) {
  const fields = type.getFields();
  return ['displayName', 'name', 'title', 'number', 'id'].filter((n) => fields[n] && isLeaf(fields[n].type)).slice(0, 1);
}

function indent(lines, by) {
  return lines.map((line) => `${' '.repeat(by)}${line}`).join('\n');
}

function capital(name) {
  return name[0].toUpperCase() + name.slice(1);
}

function list(field) {
  const connection = getNamedType(field.type);
  const nodes = connection.getFields().nodes;
  const chosen = selection(getNamedType(nodes.type), 1);
  if (chosen.length === 0) return null;
  const total = connection.getFields().totalCount ? '\n    totalCount' : '';
  return `query ${capital(field.name)} {
  ${field.name}(first: 5) {
    nodes {
${indent(chosen, 6)}
    }${total}
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;
}

function object(field, operation) {
  const named = getNamedType(field.type);
  const chosen = isObjectType(named) ? selection(named, 1) : [];
  if (chosen.length === 0) return null;
  return `${operation} ${capital(field.name)} {
  ${field.name} {
${indent(chosen, 4)}
  }
}
`;
}

/** Whether a field lists records; groups need to be told what they are made by. */
function isConnection(field) {
  if (field.args.some((a) => a.name === 'groupBy')) return false;
  const named = getNamedType(field.type);
  return isObjectType(named) && named.name.endsWith('Connection') && 'nodes' in named.getFields();
}

/** One list a type: reports list the same records again. */
function distinct(fields) {
  const seen = new Set();
  return fields.filter((f) => !seen.has(getNamedType(f.type).name) && seen.add(getNamedType(f.type).name));
}

/** Lists of records, which take a filter, before lists of people or notices. */
function recordsFirst(fields) {
  const filtered = (f) => f.args.some((a) => a.name === 'where');
  return [...fields.filter(filtered), ...fields.filter((f) => !filtered(f))];
}

/** What happens to the records of one form, if that can be watched. */
function live(schema) {
  const fields = Object.values(schema.getSubscriptionType()?.getFields() ?? {}).filter((f) => !needsArguments(f));
  return fields.slice(0, 1).map((f) => object(f, 'subscription'));
}

/** Example documents for a schema, the best first; at most three, and a subscription. */
export function examples(schema) {
  const query = schema.getQueryType();
  if (!query) return [];
  const fields = Object.values(query.getFields()).filter((f) => !needsArguments(f));
  const lists = recordsFirst(distinct(fields.filter(isConnection))).map(list);
  const rest = fields.filter((f) => !getNamedType(f.type).name.endsWith('Connection'));
  const me = rest.filter((f) => f.name === 'me').map((f) => object(f, 'query'));
  const others = rest.filter((f) => f.name !== 'me' && isObjectType(getNamedType(f.type))).map((f) => object(f, 'query'));
  const queries = [...lists.filter(Boolean).slice(0, 2), ...me, ...others].filter(Boolean).slice(0, 3);
  return [...queries, ...live(schema).filter(Boolean)];
}

const FACTS = ['displayName', 'name', 'email', 'kind', 'role', 'permissionSet'];

function facts(type) {
  return FACTS.filter((name) => {
    const field = type.getFields()[name];
    return field && isLeaf(field.type) && !isList(field.type) && !needsArguments(field);
  });
}

/** A query for what the server says about the viewer; null when it cannot be asked. */
export function whoQuery(schema) {
  const me = schema.getQueryType()?.getFields().me;
  const type = me && getNamedType(me.type);
  if (!type || needsArguments(me) || !isObjectType(type)) return null;
  const chosen = facts(type);
  const user = type.getFields().user;
  if (user && isObjectType(getNamedType(user.type)) && !isList(user.type)) {
    const inner = facts(getNamedType(user.type)).filter((name) => !chosen.includes(name));
    if (inner.length > 0) chosen.push(`user { ${inner.join(' ')} }`);
  }
  return chosen.length > 0 ? `{ me { ${chosen.join(' ')} } }` : null;
}
