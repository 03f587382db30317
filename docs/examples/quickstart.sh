#!/bin/sh
# A first import with curl. API, ORGANIZATION and TOKEN are in the environment; script/server prints all three.
set -eu

api() { # METHOD PATH [OPTION OF CURL]…
    method=$1 path=$2
    shift 2
    curl --silent --show-error --globoff --write-out '\n' -X "$method" "$API/$path" "$@" \
        -H "X-Auth-Token: $TOKEN" -H "X-Organization-Id: $ORGANIZATION" -H 'Content-Type: application/vnd.api+json'
}

# Every error of every row comes at once, and nothing is staged.
api POST imports -d '{"data": {"type": "imports", "attributes": {"import_data": {
    "person": [{"First Name": "", "Email": "john@mail.com"}]}}}}' |
    sed -n 's/.*"row":\([0-9]*\).*"messages":\["\([^"]*\)"\].*/Row \1: \2/p'

id=$(api POST imports -d '{"data": {"type": "imports", "attributes": {"import_data": {
    "company": [{"name": "Import"}],
    "person": [{"First Name": "John", "Last Name": "Doe", "Email": "john@mail.com", "Company": "Import"}]}}}}' |
    sed -n 's/^{"data":{"id":"\([0-9]*\)".*/\1/p')
echo "Staged as import $id"

# The preview has an ETag: with it, a run does what was shown, or nothing.
headers=$(mktemp)
api GET "imports/$id/import" --dump-header "$headers" |
    sed -n 's/.*"company":{"created":\([0-9]*\).*"person":{"created":\([0-9]*\).*/Creates \1 company, \2 person/p'
etag=$(tr -d '\r' <"$headers" | sed -n 's/^[Ee][Tt][Aa][Gg]: //p')
rm "$headers"

# With an Idempotency-Key, a request can be sent again after a lost response.
api POST "imports/$id/import" -H "If-Match: $etag" -H "Idempotency-Key: run-import-$id" >/dev/null
api GET "people?filter[import_id]=$id&fields[people]=email" | sed -n 's/.*"email":"\([^"]*\)".*/Imported \1/p'

api PATCH "imports/$id/revert" >/dev/null
api GET "people?filter[import_id]=$id" | sed -n 's/.*"total_count":\([0-9]*\).*/Reverted, \1 left/p'
