// kitsu tells the whole story.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import Kitsu from "kitsu";

const story = JSON.parse(readFileSync("story.json", "utf8"));
const { API, TOKEN, ORGANIZATION } = process.env;

const options = { baseURL: API, headers: { "X-Auth-Token": TOKEN, "X-Organization-Id": ORGANIZATION } };
const api = new Kitsu({ ...options, camelCaseTypes: false, pluralize: false });

async function readAllPeople() {
  const names = [];
  for (let number = 1, total = 1; number <= total; number += 1) {
    const { data, meta } = await api.get("people", { params: { page: { number, size: 2 } } });
    names.push(...data.map((person) => person.first_name));
    total = meta.total_pages;
  }
  return names;
}

async function waitFor(id) {
  for (let tries = 0; tries < 600; tries += 1) {
    const { data } = await api.get(`operations/${id}`);
    if (!["queued", "running"].includes(data.status)) return data.status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("The operation does not end");
}

await assert.rejects(api.create("imports", { import_data: story.wrong }), ({ response, errors }) => {
  assert.equal(response.status, 422);
  assert.deepEqual(errors[0].detail, story.errors);
  return true;
});

const { data: created } = await api.create("imports", { import_data: story.rows });
const { data: read } = await api.get(`imports/${created.id}`);
const { data: updated } = await api.update("imports", { ...read, import_data: story.corrected, sample: true });
assert.equal(updated.sample, true);

const run = `imports/${created.id}/import`;
const { meta } = await api.get(run);
const counts = Object.entries(meta.counts).map(([type, { created }]) => [type, { created }]);
assert.deepEqual(Object.fromEntries(counts), story.counts);

// create() would take "import" for the type.
await assert.rejects(api.create(run, {}), ({ errors }) => errors[0].code === "conflict");
const queued = await api.request({ url: run, method: "POST", type: "imports", headers: { Prefer: "respond-async" } });
assert.equal(await waitFor(queued.data.id), "succeeded");
assert.deepEqual(await readAllPeople(), story.people);

const { data: [ann] } = await api.get("people", {
  params: { filter: { email: "ann@globex.test" }, include: "company" },
});
assert.equal(ann.company.data.name, "Globex");

const { data: reverted } = await api.request({
  url: `imports/${created.id}/revert`,
  method: "PATCH",
  type: "imports",
  body: { id: created.id },
});
assert.ok(reverted.reverted_at);
assert.deepEqual(await readAllPeople(), ["Ada"]);

// What docs/clients.md says of it.
const withDefaults = new Kitsu(options);
await assert.rejects(
  withDefaults.create("webhook_endpoints", { url: "https://example.com" }),
  ({ errors }) => errors[0].detail.startsWith("Type 'webhookEndpoints' is not 'webhook_endpoints'"),
);
await assert.rejects(withDefaults.create(run, {}), ({ response }) => response.status === 404);
await assert.rejects(api.request({ url: run, method: "PATCH", type: "imports", body: {} }), /requires an object/);
