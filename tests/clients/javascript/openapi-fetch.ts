// openapi-fetch with the types of openapi-typescript tells the whole story.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import createClient from "openapi-fetch";

import type { components, paths } from "./schema.js";

type Rows = components["schemas"]["ImportData"];

const story: {
  wrong: Rows;
  errors: Record<string, unknown>;
  rows: Rows;
  corrected: Rows;
  counts: Record<string, unknown>;
  people: string[];
  file: string;
  error: string;
  cells: Record<string, unknown>;
  "people of the file": string[];
} = JSON.parse(readFileSync("story.json", "utf8"));
const { API = "", TOKEN = "", ORGANIZATION = "" } = process.env;

// The paths of the description have the prefix of the version.
const baseUrl = API.replace(/\/api\/v2$/, "");
const tokens = { "X-Auth-Token": TOKEN, "X-Organization-Id": ORGANIZATION };

const api = createClient<paths>({
  baseUrl,
  // Otherwise a body would be application/json.
  headers: { ...tokens, "Content-Type": "application/vnd.api+json" },
  // Lists have commas between; the default repeats the parameter.
  querySerializer: { array: { style: "form", explode: false } },
});

async function readAllPeople(): Promise<(string | null | undefined)[]> {
  const names = [];
  for (let number = 1, total = 1; number <= total; number += 1) {
    const { data, error } = await api.GET("/api/v2/people", {
      params: { query: { "page[number]": number, "page[size]": 2, "fields[people]": ["first_name", "email"] } },
    });
    assert.ok(data, JSON.stringify(error));
    names.push(...data.data.map((person) => person.attributes?.first_name));
    total = data.meta.total_pages;
  }
  return names;
}

async function waitFor(id: string): Promise<string | undefined> {
  for (let tries = 0; tries < 600; tries += 1) {
    const { data } = await api.GET("/api/v2/operations/{id}", { params: { path: { id } } });
    const status = data?.data.attributes?.status;
    if (status !== "queued" && status !== "running") return status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("The operation does not end");
}

const refused = await api.POST("/api/v2/imports", {
  body: { data: { type: "imports", attributes: { import_data: story.wrong } } },
});
assert.equal(refused.response.status, 422);
assert.deepEqual(refused.error?.errors[0]?.detail, story.errors);

const created = await api.POST("/api/v2/imports", {
  body: { data: { type: "imports", attributes: { import_data: story.rows } } },
});
assert.ok(created.data, JSON.stringify(created.error));
const { id } = created.data.data;
const path = { id };

const updated = await api.PATCH("/api/v2/imports/{id}", {
  params: { path },
  body: { data: { type: "imports", id, attributes: { import_data: story.corrected, sample: true } } },
});
assert.equal(updated.data?.data.type === "imports" && updated.data.data.attributes?.sample, true);

const preview = await api.GET("/api/v2/imports/{id}/import", { params: { path } });
const counts = Object.entries(preview.data?.meta.counts ?? {}).map(([type, { created }]) => [type, { created }]);
assert.deepEqual(Object.fromEntries(counts), story.counts);

const queued = await api.POST("/api/v2/imports/{id}/import", {
  params: { path, header: { Prefer: "respond-async", "If-Match": preview.response.headers.get("ETag") ?? "" } },
});
assert.equal(queued.response.status, 202);
assert.equal(await waitFor(queued.data?.data.id ?? ""), "succeeded");
assert.deepEqual(await readAllPeople(), story.people);

const found = await api.GET("/api/v2/people", {
  params: { query: { "filter[email]": ["ann@globex.test"], include: ["company"] } },
});
const company = found.data?.included?.find((each) => each.type === "companies");
assert.equal(company?.attributes?.name, "Globex");

const reverted = await api.PATCH("/api/v2/imports/{id}/revert", { params: { path }, body: {} });
assert.ok(reverted.data, JSON.stringify(reverted.error));
assert.deepEqual(await readAllPeople(), ["Ada"]);

// A file as the body of a request.
const uploaded = await api.POST("/api/v2/import_files", {
  params: { header: { "Content-Disposition": 'attachment; filename="people.csv"' } },
  headers: { "Content-Type": "text/csv" },
  body: story.file,
  bodySerializer: (file) => file,
});
assert.ok(uploaded.data, JSON.stringify(uploaded.error));
const file = uploaded.data.data;
assert.equal(file.attributes?.name, "people.csv");
const staged = await api.POST("/api/v2/imports", {
  body: {
    data: {
      type: "imports",
      attributes: { mapping: file.attributes?.proposed_mapping },
      relationships: { import_file: { data: { type: "import_files", id: file.id } } },
    },
  },
});
assert.ok(staged.data, JSON.stringify(staged.error));
const ofFile = { id: staged.data.data.id };

const errors = await api.GET("/api/v2/imports/{id}/errors", { params: { path: ofFile } });
const [error] = errors.data?.data ?? [];
assert.deepEqual([error?.attributes?.line, error?.attributes?.message], [3, story.error]);
const download = await api.GET("/api/v2/imports/{id}/errors.csv", { params: { path: ofFile }, parseAs: "text" });
assert.ok(download.data?.includes(story.error));
const corrected = await api.PATCH("/api/v2/imports/{id}/rows/{record_type}/{row}", {
  params: { path: { ...ofFile, record_type: "person", row: "2" } },
  body: { data: { type: "import_rows", attributes: { cells: story.cells } } },
});
assert.equal(corrected.data?.meta.error_count, 0);
const run = await api.POST("/api/v2/imports/{id}/import", { params: { path: ofFile }, body: {} });
assert.ok(run.data, JSON.stringify(run.error));
assert.deepEqual(await readAllPeople(), story["people of the file"]);
await api.PATCH("/api/v2/imports/{id}/revert", { params: { path: ofFile }, body: {} });
assert.deepEqual(await readAllPeople(), ["Ada"]);

// The same file in a form.
const form = new FormData();
form.set("file", new Blob([story.file], { type: "text/csv" }), "people.csv");
const inForm = await api.POST("/api/v2/import_files", {
  headers: { "Content-Type": null },
  body: { file: "" },
  bodySerializer: () => form,
});
assert.equal(inForm.data?.data.attributes?.sha256, file.attributes?.sha256);

// What docs/clients.md says of it.
const withDefaults = createClient<paths>({ baseUrl, headers: tokens });
const asJson = await withDefaults.PATCH("/api/v2/imports/{id}/revert", { params: { path }, body: {} });
assert.equal(asJson.response.status, 415);
const repeated = await withDefaults.GET("/api/v2/imports", { params: { query: { sort: ["-id", "started_at"] } } });
assert.equal(repeated.error?.errors[0]?.code, "unsupported_parameter");
