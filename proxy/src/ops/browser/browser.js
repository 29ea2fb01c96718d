// Shows the OpenAPI document of this gateway. Text goes into the page as text, never as markup.

const METHODS = ["get", "head", "post", "put", "patch", "delete"];
const CERTIFICATE = "--cacert ca.crt --cert client.crt --key client.key";
// What is deeper in a schema is named, not shown.
const DEEPEST = 6;

/** Makes an element with a class and children; text becomes text. */
function make(name, options = {}, ...children) {
  const element = document.createElement(name);
  if (options.class) element.className = options.class;
  if (options.id) element.id = options.id;
  element.append(...children.filter((child) => child !== undefined && child !== ""));
  return element;
}

/** Follows a reference inside the document. */
function resolved(spec, value) {
  if (!value?.$ref) return value ?? {};
  return value.$ref.slice(2).split("/").reduce((inner, key) => inner?.[key], spec) ?? {};
}

function nameOf(schema) {
  return schema?.$ref?.split("/").pop();
}

/** Says in a few words what a schema allows. */
function typeOf(spec, schema) {
  const name = nameOf(schema);
  if (name) return name;
  const { type, format, items, enum: values, const: only } = schema ?? {};
  const alternatives = schema?.oneOf ?? schema?.anyOf ?? schema?.allOf;
  if (only !== undefined) return JSON.stringify(only);
  if (values) return values.map((value) => JSON.stringify(value)).join(" | ");
  if (items) return `list of ${typeOf(spec, items)}`;
  if (alternatives) return alternatives.map((one) => typeOf(spec, one)).join(schema.allOf ? " & " : " | ");
  const word = Array.isArray(type) ? type.join(" | ") : (type ?? "any");
  return format ? `${word} (${format})` : word;
}

/** Returns the object whose members stand behind a schema, if there is one. */
function membersOf(spec, schema) {
  const whole = resolved(spec, schema);
  if (whole.properties) return whole;
  if (whole.items) return membersOf(spec, whole.items);
  return undefined;
}

/** Shows a schema's members, each with its own members folded in; what contains itself is named only. */
function showMembers(spec, schema, above = []) {
  const whole = membersOf(spec, schema);
  if (!whole) return make("p", { class: "quiet" }, typeOf(spec, schema));
  const rows = Object.entries(whole.properties).map(([name, member]) => {
    const inner = membersOf(spec, member);
    const type = typeOf(spec, member);
    const shown = inner && !above.includes(inner) && above.length < DEEPEST;
    const cell = shown
      ? make("details", { class: "schema" }, make("summary", {}, type), showMembers(spec, member, [...above, whole]))
      : type;
    const must = whole.required?.includes(name);
    const said = member.description ?? resolved(spec, member).description ?? "";
    return make("tr", {},
      make("td", {}, make("code", { class: must ? "must" : "" }, name), must ? " (required)" : ""),
      make("td", {}, cell),
      make("td", { class: "quiet" }, said));
  });
  return make("table", {}, make("tbody", {}, ...rows));
}

function showParameters(spec, parameters) {
  const rows = parameters.map((one) => resolved(spec, one)).map((one) =>
    make("tr", {},
      make("td", {}, make("code", { class: one.required ? "must" : "" }, one.name), ` in ${one.in}`),
      make("td", {}, typeOf(spec, one.schema)),
      make("td", { class: "quiet" }, one.description ?? "")));
  return rows.length ? [make("h3", {}, "Parameters"), make("table", {}, make("tbody", {}, ...rows))] : [];
}

function schemaIn(body) {
  return Object.entries(body?.content ?? {}).map(([type, { schema }]) => ({ type, schema }))[0];
}

function showBody(spec, body) {
  const content = schemaIn(resolved(spec, body));
  if (!content) return [];
  return [make("h3", {}, "Body"), make("p", { class: "quiet" }, content.type), showMembers(spec, content.schema)];
}

/** Shows the answers; statuses with the same answer share a row. */
function showResponses(spec, responses) {
  const same = Map.groupBy(Object.entries(responses), ([, one]) => JSON.stringify(one));
  const rows = [...same.values()].map((alike) => {
    const response = resolved(spec, alike[0][1]);
    const content = schemaIn(response);
    const headers = Object.keys(response.headers ?? {}).join(", ");
    const type = content ? typeOf(spec, content.schema) : "";
    const cell = content && membersOf(spec, content.schema)
      ? make("details", { class: "schema" }, make("summary", {}, type), showMembers(spec, content.schema))
      : type;
    const statuses = alike.flatMap(([status]) => [make("code", {}, status), " "]);
    return make("tr", {},
      make("td", {}, ...statuses),
      make("td", {}, cell),
      make("td", { class: "quiet" }, response.description ?? "", headers ? ` Headers: ${headers}.` : ""));
  });
  return [make("h3", {}, "Answers"), make("table", {}, make("tbody", {}, ...rows))];
}

/** Writes the call as a line for a shell. */
function curlOf(spec, method, path, operation) {
  const server = spec.servers?.[0]?.url ?? "";
  const verb = method === "get" ? "" : ` -X ${method.toUpperCase()}`;
  const body = operation.requestBody ? " -H 'Content-Type: application/json' -d @body.json" : "";
  return `curl ${CERTIFICATE}${verb}${body} '${server}${path}'`;
}

/** Shows one operation; its inside is made when it is opened. */
function showOperation(spec, { method, path, operation, parameters }) {
  const inside = make("div");
  const id = `${method}-${path}`;
  const box = make("details", { class: "operation", id },
    make("summary", {},
      make("span", { class: "method" }, method.toUpperCase()),
      make("span", { class: "path" }, path),
      make("span", { class: "summary" }, operation.summary ?? "")),
    inside);
  box.addEventListener("toggle", () => {
    if (!box.open || inside.hasChildNodes()) return;
    inside.append(
      make("p", {}, operation.description ?? ""),
      ...showParameters(spec, parameters),
      ...showBody(spec, operation.requestBody),
      ...showResponses(spec, operation.responses ?? {}),
      make("h3", {}, "From a shell"),
      make("pre", {}, curlOf(spec, method, path, operation)),
      make("p", {}, linkTo(id)));
  });
  return box;
}

function linkTo(id) {
  const link = make("a", {}, "Link to this operation");
  link.href = `#${encodeURIComponent(id)}`;
  return link;
}

function operationsOf(spec) {
  return Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      method,
      path,
      operation: item[method],
      parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])],
      group: item[method].tags?.[0] ?? "other",
      words: [path, method, item[method].operationId, item[method].summary, ...(item[method].tags ?? [])].join(" ").toLowerCase(),
    })));
}

/** Opens the operation that the address names. */
function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(named instanceof HTMLDetailsElement)) return;
  named.open = true;
  named.scrollIntoView();
}

function show(spec) {
  document.getElementById("title").textContent = `${spec.info.title}, ${spec.info.version}`;
  document.getElementById("description").textContent = spec.info.description;
  const groups = Map.groupBy(operationsOf(spec), ({ group }) => group);
  const shown = [...groups].map(([group, operations]) => {
    const boxes = operations.map((one) => ({ words: one.words, box: showOperation(spec, one) }));
    return { boxes, section: make("section", {}, make("h2", {}, group), ...boxes.map(({ box }) => box)) };
  });
  document.getElementById("operations").replaceChildren(...shown.map(({ section }) => section));
  const search = document.getElementById("search");
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const { boxes, section } of shown) {
      for (const { words: own, box } of boxes) box.hidden = !words.every((word) => own.includes(word));
      const visible = boxes.filter(({ box }) => !box.hidden).length;
      section.hidden = visible === 0;
      left += visible;
    }
    document.getElementById("count").textContent = `${left} operations`;
  };
  search.value = new URLSearchParams(location.search).get("search") ?? "";
  search.addEventListener("input", filter);
  filter();
  addEventListener("hashchange", openNamed);
  openNamed();
}

try {
  const answer = await fetch("../openapi.json");
  if (!answer.ok) throw new Error(`openapi.json: ${answer.status}`);
  show(await answer.json());
} catch (error) {
  document.getElementById("operations").replaceChildren(make("p", { class: "must" }, `The document cannot be shown: ${error.message}`));
}
