// A first import with fetch. API, ORGANIZATION and TOKEN are in the environment; script/server prints all three.

import { randomUUID } from "node:crypto";

const { API, ORGANIZATION, TOKEN } = process.env;

async function request(method, path, { body, headers } = {}) {
  const response = await fetch(`${API}/${path}`, {
    method,
    headers: {
      "X-Auth-Token": TOKEN,
      "X-Organization-Id": ORGANIZATION,
      "Content-Type": "application/vnd.api+json",
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  return { ...(await response.json()), response };
}

const stage = (import_data) =>
  request("POST", "imports", { body: { data: { type: "imports", attributes: { import_data } } } });

// Every error of every row comes at once, and nothing is staged.
const { errors } = await stage({ person: [{ "First Name": "", Email: "john@mail.com" }] });
for (const { row, messages } of errors[0].detail.person) console.log(`Row ${row}: ${messages[0]}`);

const staged = await stage({
  company: [{ name: "Import" }],
  person: [{ "First Name": "John", "Last Name": "Doe", Email: "john@mail.com", Company: "Import" }],
});
const { id } = staged.data;
console.log(`Staged as import ${id}`);

// The preview has an ETag: with it, a run does what was shown, or nothing.
const preview = await request("GET", `imports/${id}/import`);
const { company, person } = preview.meta.counts;
console.log(`Creates ${company.created} company, ${person.created} person`);

// With an Idempotency-Key, a request can be sent again after a lost response.
const headers = { "If-Match": preview.response.headers.get("ETag"), "Idempotency-Key": randomUUID() };
await request("POST", `imports/${id}/import`, { headers });
const imported = await request("GET", `people?filter[import_id]=${id}`);
for (const { attributes } of imported.data) console.log(`Imported ${attributes.email}`);

await request("PATCH", `imports/${id}/revert`);
const left = await request("GET", `people?filter[import_id]=${id}`);
console.log(`Reverted, ${left.meta.total_count} left`);
