"use strict";
// Shows the OpenAPI document of this server and lets people try it. A token stays in this page and is gone with it.

const api = JSON.parse(document.getElementById("document").textContent);
const page = document.getElementById("page");
const contents = document.getElementById("contents");
let token = "";

/** Make an element; texts are always set as text, never as markup. */
function el(name, given = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Words with `code` in them. */
function words(text) {
  return (text || "").split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));
}

function paragraphs(text) {
  return (text || "").split(/\n\s*\n/).filter(Boolean).map((part) => el("p", {}, ...words(part)));
}

function resolved(schema) {
  if (!schema || !schema.$ref) return schema || {};
  return schema.$ref.split("/").slice(1).reduce((at, key) => at[key], api);
}

/** What a value is, in a few words. */
function kindOf(schema) {
  if (!schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(kindOf).join(" or ");
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.const !== undefined) return String(schema.const);
  if (schema.type === "array") return `list of ${kindOf(schema.items)}`;
  if (schema.type === "object" && schema.additionalProperties) return `name to ${kindOf(schema.additionalProperties)}`;
  const least = schema.minimum !== undefined && schema.maximum !== undefined ? `, ${schema.minimum} to ${schema.maximum}` : "";
  return (schema.format || schema.type || "any") + least;
}

function rows(entries) {
  return el("table", {}, el("tbody", {}, ...entries.map((cells) => el("tr", {}, ...cells))));
}

function parameterRow(parameter) {
  const schema = parameter.schema || {};
  const fallback = schema.default !== undefined && schema.default !== null ? ` Default: ${schema.default}.` : "";
  const said = (parameter.description || "").replace(/\.?$/, parameter.description && fallback ? "." : "") + fallback;
  return [
    el("td", {}, el("code", {}, parameter.name), parameter.required ? el("span", { class: "must" }, " required") : null),
    el("td", { class: "kind" }, kindOf(schema).replace(" or null", "")),
    el("td", {}, ...words(said)),
  ];
}

function memberRows(schema) {
  const found = resolved(schema);
  return Object.entries(found.properties || {}).map(([name, member]) => [
    el("td", {}, el("code", {}, name)),
    el("td", { class: "kind" }, kindOf(member)),
    el("td", {}, ...words(member.description || "")),
  ]);
}

function responseRow([status, response]) {
  const media = Object.keys(response.content || {}).join(", ");
  const good = Number(status) < 400;
  return [
    el("td", {}, el("span", { class: `status ${good ? "good" : "bad"}` }, status)),
    el("td", { class: "kind" }, media),
    el("td", {}, response.description || ""),
  ];
}

/** Fields and a button that send the request and show the answer. */
function tryOut(method, path, operation) {
  const inputs = {};
  const fields = (operation.parameters || []).map((parameter) => {
    inputs[parameter.name] = el("input", { placeholder: kindOf(parameter.schema).replace(" or null", ""), autocomplete: "off" });
    return el("label", {}, parameter.name, inputs[parameter.name]);
  });
  const answer = el("pre", { hidden: true });
  const accepts = Object.keys(operation.responses["200"].content || {});
  const buttons = (accepts.length ? accepts : ["*/*"]).map((media) =>
    el("button", { type: "button", onclick: () => send(method, path, inputs, media, answer) }, accepts.length > 1 ? `Send, ${media}` : "Send"), " ");
  return [el("h3", {}, "Try it"), fields.length ? el("div", { class: "fields" }, ...fields) : null, ...buttons.flatMap((b) => [b, " "]), answer];
}

async function send(method, path, inputs, media, answer) {
  const asked = new URLSearchParams();
  for (const [name, input] of Object.entries(inputs)) if (input.value !== "") asked.set(name, input.value);
  const url = path + (asked.size ? `?${asked}` : "");
  const headers = { Accept: media };
  if (token) headers.Authorization = `Bearer ${token}`;
  answer.hidden = false;
  answer.textContent = `${method.toUpperCase()} ${url} ...`;
  try {
    const response = await fetch(url, { method, headers, cache: "no-store" });
    const text = await response.text();
    const json = /json/.test(response.headers.get("content-type") || "");
    answer.textContent = `${method.toUpperCase()} ${url}\n${response.status} ${response.statusText}\n\n${json ? JSON.stringify(JSON.parse(text), null, 2) : text}`;
  } catch (error) {
    answer.textContent = `No answer: ${error.message}`;
  }
}

/** The answer's members, one table per object that it is made of. */
function answerTables(schema) {
  const seen = new Set();
  const queue = [schema];
  const made = [];
  while (queue.length) {
    const one = queue.shift();
    const name = one.$ref ? one.$ref.split("/").pop() : "";
    if (seen.has(name)) continue;
    seen.add(name);
    const members = memberRows(one);
    if (members.length) made.push(el("h3", {}, made.length ? name : `Answer: ${name}`), ...paragraphs(resolved(one).description), rows(members));
    JSON.stringify(resolved(one), (key, value) => {
      if (key === "$ref") queue.push({ $ref: value });
      return value;
    });
  }
  return made;
}

function card(method, path, operation) {
  const json = operation.responses["200"]?.content?.["application/json"]?.schema;
  const form = operation.requestBody?.content?.["application/x-www-form-urlencoded"]?.schema;
  const locked = (operation.security || []).some((one) => "token" in one);
  const inside = el(
    "div",
    { class: "inside" },
    ...paragraphs(operation.description),
    ...(operation.parameters?.length ? [el("h3", {}, "Parameters"), rows(operation.parameters.map(parameterRow))] : []),
    ...(form ? [el("h3", {}, "Form"), rows(memberRows(form))] : []),
    el("h3", {}, "Responses"),
    rows(Object.entries(operation.responses).map(responseRow)),
    ...(json ? answerTables(json) : []),
    ...(method === "get" ? tryOut(method, path, operation) : []),
  );
  return el(
    "details",
    { class: "card", id: operation.operationId },
    el(
      "summary",
      {},
      el("span", { class: `method ${method}` }, method.toUpperCase()),
      el("span", { class: "path" }, path),
      el("span", { class: "brief" }, operation.summary || ""),
      locked ? el("span", { class: "lock" }, "token") : null,
    ),
    inside,
  );
}

/** Client id and secret, exchanged for a token; or a token as it is. */
function signIn() {
  const id = el("input", { autocomplete: "off", placeholder: "<tenant>.api" });
  const secret = el("input", { type: "password", autocomplete: "off" });
  const given = el("input", { autocomplete: "off", placeholder: "or paste a token, as `varai token` prints it", oninput: () => { token = given.value.trim(); } });
  const said = el("p", { class: "facts" }, "Kept in this page only.");
  const ask = async () => {
    const headers = { Authorization: `Basic ${btoa(`${id.value}:${secret.value}`)}` };
    const response = await fetch("/v1/auth/token", { method: "POST", headers, body: new URLSearchParams({ grant_type: "client_credentials" }) });
    const answer = await response.json();
    if (response.ok) given.value = token = answer.access_token;
    said.textContent = response.ok ? `Good for ${answer.expires_in / 60} minutes: ${answer.scope}` : `${answer.title}. ${answer.detail}`;
  };
  return el(
    "section",
    { class: "card token" },
    el("h3", {}, "Sign in"),
    el("div", { class: "fields" }, el("label", {}, "client_id", id), el("label", {}, "client_secret", secret), el("button", { type: "button", onclick: ask }, "Get a token")),
    el("label", {}, "token", given),
    said,
  );
}

function show() {
  const groups = new Map();
  for (const [path, operations] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const tag = operation.tags?.[0] || "other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push([method, path, operation]);
    }
  }
  const order = ["auth", "shop", "report"];
  const tags = [...order.filter((tag) => groups.has(tag)), ...[...groups.keys()].filter((tag) => !order.includes(tag))];
  contents.append(el("h1", {}, api.info.title));
  page.append(
    el("header", {}, el("h1", {}, api.info.title), ...paragraphs(api.info.description),
      el("p", { class: "facts" }, `Version ${api.info.version} · region ${api["x-region"]} · `, el("a", { href: "/openapi.json" }, "OpenAPI document"), " · ", el("a", { href: "/.well-known/jwks.json" }, "keys"))),
    signIn(),
  );
  for (const tag of tags) {
    contents.append(el("h2", {}, tag));
    page.append(el("h2", { id: `tag-${tag}` }, tag));
    for (const [method, path, operation] of groups.get(tag)) {
      contents.append(el("a", { href: `#${operation.operationId}` }, el("span", { class: `method ${method}` }, method.toUpperCase()), path));
      page.append(card(method, path, operation));
    }
  }
  const problems = Object.entries(api["x-problems"]).map(([name, kind]) => [
    el("td", { id: `problem-${name}` }, el("code", {}, name)),
    el("td", { class: "kind" }, el("span", { class: "status bad" }, String(kind.status)), ` ${kind.title}`),
    el("td", {}, ...words(kind.meaning)),
  ]);
  contents.append(el("h2", {}, "errors"), el("a", { href: "#problems" }, "kinds of problems"));
  page.append(el("h2", { id: "problems" }, "problems"), el("div", { class: "card" }, el("div", { class: "inside" }, rows(problems))));
}

function openNamed() {
  const named = document.getElementById(location.hash.slice(1));
  if (!named) return;
  if (named.tagName === "DETAILS") named.open = true;
  named.scrollIntoView();
}

show();
const first = document.querySelector("[id^=sales]") || document.querySelector("details.card");
if (first) first.open = true;
window.addEventListener("hashchange", openNamed);
openNamed();
