// devour-client tells the whole story.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import Devour from "devour-client";

const story = JSON.parse(readFileSync("story.json", "utf8"));
const { API, TOKEN, ORGANIZATION } = process.env;

const api = new Devour({ apiUrl: API, logger: false, trailingSlash: true });
api.headers = { "X-Auth-Token": TOKEN, "X-Organization-Id": ORGANIZATION };

api.define("import", {
  import_data: "",
  sample: "",
  creator_id: "",
  started_at: "",
  processed_at: "",
  reverted_at: "",
  creator: { jsonApi: "hasOne", type: "people" },
  organization: { jsonApi: "hasOne", type: "organizations" },
});
api.define("person", { first_name: "", email: "", company: { jsonApi: "hasOne", type: "companies" } });
api.define("company", { name: "" });
// What is done with an import, as models of which there is one under an import.
api.define("run", {}, { collectionPath: "import", type: "imports" });
api.define("reversal", {}, { collectionPath: "revert", type: "imports" });
api.define("organization", { name: "" });
api.define("import_change", { action: "", row: "" });
api.define("operation", { status: "", kind: "" });

async function readAllPeople() {
  const names = [];
  for (let number = 1, total = 1; number <= total; number += 1) {
    const { data, meta } = await api.findAll("person", { page: { number, size: 2 } });
    names.push(...data.map((person) => person.first_name));
    total = meta.total_pages;
  }
  return names;
}

async function waitFor(id) {
  for (let tries = 0; tries < 600; tries += 1) {
    const { data } = await api.find("operation", id);
    if (!["queued", "running"].includes(data.status)) return data.status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("The operation does not end");
}

await assert.rejects(api.create("import", { import_data: story.wrong }), (errors) => {
  assert.deepEqual(errors.import_data.detail, story.errors);
  return true;
});

const { data: created } = await api.create("import", { import_data: story.rows });
const { data: read } = await api.find("import", created.id);
const { data: updated } = await api.update("import", { ...read, import_data: story.corrected, sample: true });
assert.equal(updated.sample, true);

const run = () => api.one("import", created.id).all("run");
const { meta } = await run().get();
const counts = Object.entries(meta.counts).map(([type, { created }]) => [type, { created }]);
assert.deepEqual(Object.fromEntries(counts), story.counts);

// What docs/clients.md says of it.
const { import_change } = api.models;
delete api.models.import_change;
await assert.rejects(run().get(), /resource definition for model "import_change" not found/);
api.models.import_change = import_change;

api.headers.Prefer = "respond-async";
const queued = await run().post({});
delete api.headers.Prefer;
assert.equal(await waitFor(queued.data.id), "succeeded");
assert.deepEqual(await readAllPeople(), story.people);

const { data: [ann] } = await api.findAll("person", { filter: { email: "ann@globex.test" }, include: "company" });
assert.equal(ann.company.name, "Globex");

const { data: reverted } = await api.one("import", created.id).all("reversal").patch({});
assert.ok(reverted.reverted_at);
assert.deepEqual(await readAllPeople(), ["Ada"]);
