#include "core/field_table.hpp"

#include <array>
#include <stdexcept>

namespace pawl::core {

namespace {

// clang-format off
constexpr Field fields[] = {
    {"source", "name", "", "Name of the API: in commands, metrics, Redis keys; the default schema. At most 40 bytes."},
    {"base_url", "URL", "", "What `path` of each stream is appended to."},
    {"headers", "map", "", "Request headers of all streams."},
    {"headers.*", "template", "", "Value of one request header; `~` sends none."},

    {"credentials", "map", "", "A pool of interchangeable keys. Instead of `auth`."},
    {"credentials.from", "map", "", "Where the keys are: one of env, file, dir."},
    {"credentials.from.env", "name", "", "Environment variable with keys, separated by commas."},
    {"credentials.from.file", "path", "", "File with one key a line."},
    {"credentials.from.dir", "path", "", "Folder with one file per key, under $CREDENTIALS_DIRECTORY or secrets_dir."},
    {"credentials.inject", "map", "{header: Authorization, value: \"Bearer {key}\"}", "How a key goes into a request."},
    {"credentials.inject.header", "header name", "", "Header that carries the key."},
    {"credentials.inject.query", "parameter name", "", "Query parameter that carries the key, instead of a header."},
    {"credentials.inject.value", "template", "{key}", "Text with {key} in it."},
    {"credentials.owner", "map", "", "Request that tells which account a key belongs to: two keys of one account share its budget."},
    {"credentials.owner.path", "path", "", "What is asked for with the key, below base_url: /user."},
    {"credentials.owner.select", "expression", "", "The account in the answer: $.login."},

    {"auth", "map", "", "One credential, fixed or renewing itself. Instead of `credentials`."},
    {"auth.bearer", "text", "", "Token for `Authorization: Bearer …`."},
    {"auth.basic", "map", "", "User and password of HTTP Basic."},
    {"auth.basic.user", "text", "", "User name."},
    {"auth.basic.password", "text", "", "Password."},
    {"auth.api_key", "map", "", "A key in a header or in the query."},
    {"auth.api_key.header", "header name", "", "Header that carries the key."},
    {"auth.api_key.query", "parameter name", "", "Query parameter that carries the key."},
    {"auth.api_key.value", "text", "", "The key."},
    {"auth.oauth2", "map", "", "OAuth 2 with client credentials or a refresh token. The token renews itself."},
    {"auth.oauth2.token_url", "URL", "", "Where tokens are given; https, or http on the loopback."},
    {"auth.oauth2.grant", "client_credentials | refresh_token", "client_credentials", "What a token is given for."},
    {"auth.oauth2.client_id", "text", "", "Name of the client."},
    {"auth.oauth2.client_secret", "text", "", "Its secret; absent for a public client, which has a refresh token only."},
    {"auth.oauth2.refresh_token", "text", "", "The first refresh token; those that the API gives in its place are kept in Postgres."},
    {"auth.oauth2.scope", "text", "", "What the token is for, in the API's words."},
    {"auth.oauth2.audience", "text", "", "Which API the token is for, where the token server asks for that."},
    {"auth.oauth2.send", "header | body", "header", "How client_id and client_secret are sent: HTTP Basic, or in the form."},
    {"auth.jwt", "map", "", "A signed JWT that is exchanged for a token: GitHub App, service accounts. The token renews itself."},
    {"auth.jwt.issuer", "text", "", "Claim `iss`: client or app ID of a GitHub App, e-mail of a service account."},
    {"auth.jwt.private_key", "text", "", "RSA private key, PEM; signs with RS256."},
    {"auth.jwt.private_key_file", "path", "", "File with that key, under $CREDENTIALS_DIRECTORY or secrets_dir."},
    {"auth.jwt.key_id", "text", "", "`kid` in the JWT's header."},
    {"auth.jwt.audience", "text", "", "Claim `aud`: with a service account the token_uri of its key file."},
    {"auth.jwt.claims", "map", "", "More claims: scope, sub."},
    {"auth.jwt.claims.*", "text", "", "Value of one claim."},
    {"auth.jwt.lifetime", "duration", "10m", "From `iat`, a minute ago, to `exp`; from 2m to 1h. GitHub allows 10m."},
    {"auth.jwt.exchange", "map", "", "Where the JWT is exchanged for a token."},
    {"auth.jwt.exchange.url", "URL", "", "Asked with POST; https, or http on the loopback."},
    {"auth.jwt.exchange.send", "bearer | assertion", "bearer", "How the JWT is sent: `Authorization: Bearer` (GitHub App), or as the assertion of RFC 7523 (service accounts)."},
    {"auth.session", "map", "", "A login of the API's own kind. What it gives renews itself."},
    {"auth.session.url", "URL", "", "Where to log in, with POST; https, or http on the loopback."},
    {"auth.session.json", "map", "", "What is sent, as JSON; may be nested."},
    {"auth.session.json.*", "any", "", "One value of it."},
    {"auth.session.form", "map", "", "What is sent, as a form."},
    {"auth.session.form.*", "text", "", "One value of it."},
    {"auth.session.token", "expression", "", "The token in the answer: $.token, or header.x_session."},
    {"auth.session.cookie", "text", "", "Or the cookie that the answer sets."},
    {"auth.session.inject", "map", "{header: Authorization, value: \"Bearer {key}\"}, or the cookie", "How it goes into a request."},
    {"auth.session.inject.header", "header name", "", "Header that carries it."},
    {"auth.session.inject.query", "parameter name", "", "Query parameter that carries it, instead of a header."},
    {"auth.session.inject.value", "template", "{key}", "Text with {key} in it."},
    {"auth.session.lifetime", "duration", "1h", "How long it is good for, where the answer does not tell."},

    {"limits", "list of maps", "", "Limits of the API. Every limit that matches a request must grant it."},
    {"limits[].name", "name", "", "Name of the limit, in metrics and `feedback.resource`."},
    {"limits[].match", "glob", "/**", "URL paths it holds for: `*` within a segment, `**` over segments."},
    {"limits[].per", "owner | key | source", "owner", "Whose budget it is: each account's, each key's, or everyone's together."},
    {"limits[].rate", "rate", "", "Requests, or units of them, per period: 5000/h, 30/m, 100/15m, 10000/month."},
    {"limits[].algorithm", "sliding_window | token_bucket | fixed_window | adaptive", "sliding_window", "How the budget comes back where the API does not tell."},
    {"limits[].timezone", "time zone", "UTC", "Zone whose clock a fixed_window follows: America/Los_Angeles."},
    {"limits[].cost", "number or map", "1", "Units that a request takes, where its stream does not say."},
    {"limits[].cost.from", "expression", "", "Units it took, in the response: header.x_cost, $.extensions.cost."},
    {"limits[].cost.estimate", "number", "1", "Units to reserve before a stream's first response told."},
    {"limits[].start", "number", "a twentieth", "adaptive: requests per period at first; `rate` is its ceiling."},
    {"limits[].concurrency", "number", "", "Requests in flight at once."},
    {"limits[].reserve", "share", "0", "Share of the rate left to others: 5% or 0.05, at most 95%."},
    {"limits[].burst", "number", "1", "Requests at once where the API tells nothing about its limits."},

    {"feedback", "map", "", "What responses say about the API's limits; corrects our own count."},
    {"feedback.limit", "header name", "", "Header with the size of the budget."},
    {"feedback.remaining", "header name", "", "Header with what is left of it."},
    {"feedback.reset", "header name or map", "", "Header that tells when the budget is full again."},
    {"feedback.reset.header", "header name", "", "Name of that header."},
    {"feedback.reset.format", "epoch | delta | iso8601 | http_date", "epoch", "How that header writes a time."},
    {"feedback.retry_after", "header name", "retry-after", "Header that asks to wait."},
    {"feedback.resource", "header name or map", "", "Header that names the limit a request counted against."},
    {"feedback.resource.header", "header name", "", "Name of that header."},
    {"feedback.resource.*", "limit", "", "Value of that header: name of the limit in `limits`."},
    {"feedback.free", "list of statuses", "[]", "Statuses of responses that cost nothing."},
    {"feedback.standard", "ietf", "", "Read the standard RateLimit headers, whatever their draft, instead of limit, remaining and reset."},
    {"feedback.policies", "map", "", "Standard: limits by the names of the API's policies. Absent: the one of the longest period."},
    {"feedback.policies.*", "limit", "", "Name of a policy: name of the limit in `limits`."},

    {"errors", "list of maps", "", "What to do with a response that is no page. The first match wins; defaults follow."},
    {"errors[].status", "status, 5xx, or list", "", "Statuses the rule is for; absent: any."},
    {"errors[].body", "text", "", "Text that the body holds, whatever the case of its letters."},
    {"errors[].header", "header name or map", "", "Header that is present, or `{name: value}`."},
    {"errors[].do", "page | retry | rate_limited | quarantine_key | gone | cursor_expired | empty | truncated | fail", "", "What to do."},
    {"errors[].attempts", "number", "12", "Requests before the page fails, from 1 to 1000."},
    {"errors[].wait", "duration or range", "2s..10m", "Wait between attempts, growing from the first to the second."},
    {"errors[].confirm", "number", "1; 2 for quarantine_key", "Times that `gone` or a refused key must be seen before it is believed, from 1 to 10."},

    {"defaults", "map", "", "Defaults for all streams."},
    {"defaults.query", "map", "", "Query parameters; those of a stream come on top."},
    {"defaults.query.*", "template", "", "Value of one query parameter."},
    {"defaults.headers", "map", "", "Request headers; those of a stream come on top."},
    {"defaults.headers.*", "template", "", "Value of one request header."},
    {"defaults.paginate", "text or map", "none", "As in a stream."},
    {"defaults.max_pages", "number", "100000", "As in a stream."},
    {"defaults.on_max", "stuck | truncated | split", "stuck", "As in a stream."},
    {"defaults.conditional", "none | etag | etag_per_owner", "none", "As in a stream."},
    {"defaults.refresh", "duration", "", "As in a stream."},
    {"defaults.raw", "map", "", "As in a stream.", false},

    {"streams", "map", "", "The kinds of requests, by name."},
    {"streams.*", "map", "", "One kind of request: whom to ask for, how, and where the records go."},
    {"streams.*.foreach", "map or list of maps", "", "What the stream is asked for, once each: list, range, stream or table; a list of these: all combinations. Absent: once."},
    {"streams.*.foreach.list", "list", "", "Entries written here: values, or maps of values."},
    {"streams.*.foreach.as", "name", "", "What a value of the list or range is called in {placeholders}; a range's is `n` by default."},
    {"streams.*.foreach.stream", "stream", "", "Rows that another stream emitted."},
    {"streams.*.foreach.table", "table", "", "Rows of a table; with `stream`: which of its tables."},
    {"streams.*.foreach.key", "template, column, or list of columns", "", "What tells one row from another; default: the table's key."},
    {"streams.*.foreach.where", "SQL", "", "Rows that count, as a condition on the table's columns."},
    {"streams.*.foreach.order", "SQL", "", "Which rows come first."},
    {"streams.*.foreach.range", "map", "", "Numbers, one partition for each step."},
    {"streams.*.foreach.range.from", "number", "", "The first one."},
    {"streams.*.foreach.range.to", "number", "", "The last one."},
    {"streams.*.foreach.range.step", "number", "1", "Numbers of one partition: from {n} to {end}."},
    {"streams.*.path", "template", "", "What is asked for, below base_url."},
    {"streams.*.url", "template", "", "A whole URL, instead of path."},
    {"streams.*.method", "GET | POST | PUT | PATCH", "GET", "HTTP method; POST where there is a body."},
    {"streams.*.query", "map", "", "Query parameters."},
    {"streams.*.query.*", "template", "", "Value of one query parameter; `~` takes a default away."},
    {"streams.*.headers", "map", "", "Request headers."},
    {"streams.*.headers.*", "template", "", "Value of one request header; `~` takes a default away."},
    {"streams.*.body", "map", "", "What is sent: one of json, form, graphql."},
    {"streams.*.body.json", "any", "", "Sent as JSON; its texts are templates."},
    {"streams.*.body.form", "map", "", "Sent as a form."},
    {"streams.*.body.form.*", "template", "", "Value of one field of the form."},
    {"streams.*.body.graphql", "text or map", "", "A GraphQL query, or query and variables."},
    {"streams.*.body.graphql.query", "text", "", "The query, sent as it stands."},
    {"streams.*.body.graphql.variables", "map", "", "Its variables; their texts are templates."},
    {"streams.*.body.graphql.operation", "text", "", "Name of the operation, where the query has several."},
    {"streams.*.cost", "number or map", "1", "Units of a limit's rate that a request takes."},
    {"streams.*.cost.*", "number", "", "The same for the limit of this name."},
    {"streams.*.credentials", "none", "", "`none`: ask without credentials."},
    {"streams.*.scopes", "list of scopes", "", "Scopes that a key must have, as written behind the key; absent: any key."},
    {"streams.*.paginate", "text or map", "none", "How the next page is found: a word, or a map."},
    {"streams.*.paginate.type", "none | link", "none", "none: one page. link: the response's Link header (RFC 8288)."},
    {"streams.*.paginate.next_url", "expression", "", "The next page's URL in the response."},
    {"streams.*.paginate.page", "map", "", "Pages by number."},
    {"streams.*.paginate.page.param", "parameter name", "page", "Query parameter with the number, or body.PATH."},
    {"streams.*.paginate.page.start", "number", "1", "Number of the first page."},
    {"streams.*.paginate.page.size_param", "parameter name", "", "Query parameter with the size of a page."},
    {"streams.*.paginate.page.size", "number", "", "Records asked for per page."},
    {"streams.*.paginate.page.last", "expression", "", "Number of the last page in the response."},
    {"streams.*.paginate.offset", "map", "", "Pages by the number of records before them."},
    {"streams.*.paginate.offset.param", "parameter name", "offset", "Query parameter with the offset, or body.PATH."},
    {"streams.*.paginate.offset.limit_param", "parameter name", "limit", "Query parameter with the size of a page."},
    {"streams.*.paginate.offset.limit", "number", "", "Records asked for per page."},
    {"streams.*.paginate.offset.overlap", "number", "1",
     "Records of the page before that are asked for again, to notice when records move; 0: none."},
    {"streams.*.paginate.offset.total", "expression", "", "Number of all records in the response."},
    {"streams.*.paginate.cursor", "map", "", "Pages by a token that the response holds."},
    {"streams.*.paginate.cursor.next", "expression", "", "The token for the next page."},
    {"streams.*.paginate.cursor.into", "query.NAME or body.PATH", "", "Query parameter, or place in the body, that takes it."},
    {"streams.*.paginate.cursor.more", "expression", "", "True while there are more pages."},
    {"streams.*.paginate.last_id", "map", "", "Pages that begin behind the last record of the page before."},
    {"streams.*.paginate.last_id.from", "expression", "", "The last record's value: $[-1].id."},
    {"streams.*.paginate.last_id.into", "query.NAME or body.PATH", "", "Query parameter, or place in the body, that takes it."},
    {"streams.*.paginate.max_pages", "number", "100000", "Most pages of one walk, from 1 to 1048575."},
    {"streams.*.paginate.on_max", "stuck | truncated | split", "stuck", "What a walk beyond max_pages is: an error, a known ceiling of the API, or a window to be halved."},
    {"streams.*.paginate.stop_when", "expression", "", "True: the walk ends behind this page."},
    {"streams.*.max_pages", "number", "100000", "Most pages of one walk, whatever the paginator."},
    {"streams.*.on_max", "stuck | truncated | split", "stuck", "What a walk beyond max_pages is."},
    {"streams.*.incremental", "map", "", "Ask only for what is new: one of since, window, newest_first."},
    {"streams.*.incremental.since", "map", "", "The API is told since when."},
    {"streams.*.incremental.since.field", "expression", "", "Value of a record: the largest that came is the mark, from which the next walk goes on."},
    {"streams.*.incremental.since.into", "query.NAME or body.PATH", "", "What takes the mark."},
    {"streams.*.incremental.since.start", "time or number", "", "The mark before there is one. Absent: the first walk is asked for without."},
    {"streams.*.incremental.since.lookback", "duration or number", "0", "So far before the mark is asked for: what comes late."},
    {"streams.*.incremental.since.granularity", "duration or number", "1s", "What the API tells apart; default: what `format` can write."},
    {"streams.*.incremental.since.format", "time format, number, hex", "iso8601", "How the mark is written."},
    {"streams.*.incremental.window", "map", "", "The API is told from when to when; each window is walked by itself."},
    {"streams.*.incremental.window.from_into", "query.NAME or body.PATH", "", "What takes the window's beginning."},
    {"streams.*.incremental.window.to_into", "query.NAME or body.PATH", "", "What takes its end."},
    {"streams.*.incremental.window.start", "time or number", "", "Where the history begins."},
    {"streams.*.incremental.window.end", "time, number or expression", "now", "Where it ends, or with `inclusive` the last there is: also parent.NAME or list.NAME."},
    {"streams.*.incremental.window.step", "duration or number", "", "Length of a window."},
    {"streams.*.incremental.window.lookback", "duration or number", "0", "So far before the mark windows are asked for again: what comes late."},
    {"streams.*.incremental.window.granularity", "duration or number", "1s", "What the API tells apart; default: what `format` can write."},
    {"streams.*.incremental.window.format", "time format, number, hex", "iso8601", "How a window's ends are written."},
    {"streams.*.incremental.window.inclusive", "true | false", "false", "The API counts the end in: what is sent is one granularity less."},
    {"streams.*.incremental.window.order", "oldest_first | newest_first", "oldest_first", "Which windows are asked for first."},
    {"streams.*.incremental.newest_first", "map", "", "The API lists the newest first: a walk ends where it meets what is known."},
    {"streams.*.incremental.newest_first.field", "expression", "", "Value of a record that says how new it is."},
    {"streams.*.incremental.newest_first.lookback", "duration or number", "0", "So far beyond what is known a walk goes on."},
    {"streams.*.incremental.newest_first.format", "iso8601, number", "iso8601", "`number`: the values are numbers, not times."},
    {"streams.*.decode", "json | jsonl | csv | xml | text", "json", "What the body is: a word, or a map of one with its options."},
    {"streams.*.decode.csv", "map", "", "CSV that is written otherwise than in RFC 4180."},
    {"streams.*.decode.csv.delimiter", "character", ",", "What stands between two fields."},
    {"streams.*.decode.csv.quote", "character or none", "\"", "What stands around fields that hold delimiters or line breaks."},
    {"streams.*.decode.csv.header", "list of names", "", "Names of the columns; absent: they stand in the first line."},
    {"streams.*.decode.csv.skip", "number", "0", "Lines at the beginning that are stepped over, before the header."},
    {"streams.*.decode.xml", "map", "", "How elements become values."},
    {"streams.*.decode.xml.lists", "list of names", "", "Elements that are an array even where there is one of them."},
    {"streams.*.records", "expression or map", "", "Where the records are; absent: the document, in the short form the elements of an array."},
    {"streams.*.records.split", "regular expression", "", "Text: headings whose named groups are carried into the matches below them."},
    {"streams.*.records.match", "regular expression", "", "Text: one record a match, its named groups are the fields."},
    {"streams.*.records.rows", "expression", "", "Where the records are, when they are arrays of values."},
    {"streams.*.records.columns", "expression or list of names", "", "Names of those values: where they are in the response, or themselves."},
    {"streams.*.records.element", "name", "", "XML: each element of this name is a record, wherever it stands."},
    {"streams.*.key", "column or list of columns", "", "Short form: one table, named like the stream, columns inferred."},
    {"streams.*.columns", "map", "", "Short form: columns whose type is not left to the data."},
    {"streams.*.columns.*", "type", "", "Type of one column; a value that does not fit it rejects the record."},
    {"streams.*.merge", "as in emit", "overwrite", "Short form: as in emit."},
    {"streams.*.newest", "expression", "", "Short form: as in emit."},
    {"streams.*.absent", "keep | mark | delete", "keep", "Short form: as in emit."},
    {"streams.*.emit", "map or list of maps", "", "The tables that a response fills, in one transaction."},
    {"streams.*.emit[].table", "table", "", "Table that takes the rows."},
    {"streams.*.emit[].each", "expression", "", "Records inside the record; absent: the record itself. Without `records`, $ is the document."},
    {"streams.*.emit[].key", "column or list of columns", "", "Primary key. Absent: rows are replaced as a whole by each walk, or appended (merge)."},
    {"streams.*.emit[].set", "map", "", "The columns; absent: every field of the record."},
    {"streams.*.emit[].set.*", "expression", "", "Value of one column."},
    {"streams.*.emit[].merge", "overwrite | newest | fill_null | append | history", "overwrite", "What a row does to the row that is there."},
    {"streams.*.emit[].merge.newest", "expression", "", "The row with the larger value stays; with history the time since when it holds."},
    {"streams.*.emit[].merge.history", "true", "", "The same as the word: keep old rows with valid_from and valid_to."},
    {"streams.*.emit[].newest", "expression", "", "With `merge: newest`: the value that is compared; with `merge: history`: a time."},
    {"streams.*.emit[].replace_by", "column or list of columns", "", "A walk stands for the rows with the same values: those that it did not see are deleted at its end, or marked (absent)."},
    {"streams.*.emit[].absent", "keep | mark | delete", "keep", "What becomes of rows that a whole walk does not show any more; with replace_by they are deleted unless it says mark."},
    {"streams.*.conditional", "none | etag | etag_per_owner", "none", "etag: ask with If-None-Match, so that an unchanged page costs nothing; per_owner where an ETag is good for its account only."},
    {"streams.*.raw", "map", "", "Keep response bodies.", false},
    {"streams.*.refresh", "duration", "", "A partition is not asked for again sooner. Absent: each time it is seen."},
    {"streams.*.expect", "map", "", "How many records a walk should find: for forecasts and `verify`."},
    {"streams.*.expect.count", "expression", "", "That number, from the parent row or the list entry."},
    {"streams.*.expect.tolerance", "share", "1%", "How far from it a walk may end before `verify` tells."},
    {"streams.*.expect.page_size", "number", "", "Records per page, where neither `paginate` nor the query says."},

    {"tables", "map", "", "Where the tables are."},
    {"tables.schema", "name", "the source's name", "Postgres schema."},
    {"tables.create", "true | false", "true", "Create schema and tables."},
    {"tables.drift", "freeze | add_columns | overflow", "add_columns", "Short form: what becomes of fields not seen before."},

    {"schedule", "map", "", "When `run` collects again: every or cron."},
    {"schedule.every", "duration", "", "Time between two rounds, at least 1s."},
    {"schedule.cron", "cron", "", "Five fields: minute, hour, day, month, weekday."},
    {"schedule.timezone", "time zone", "UTC", "Zone of `cron`: Asia/Seoul."},
    {"schedule.streams", "list of streams", "", "Streams that fall due; absent: those without a parent."},
};
// clang-format on

bool is_child(std::string_view path, std::string_view map_path) {
    if (!map_path.empty()) {
        if (!path.starts_with(map_path) || path.size() <= map_path.size() ||
            path[map_path.size()] != '.')
            return false;
        path.remove_prefix(map_path.size() + 1);
    }
    return path.find('.') == std::string_view::npos;
}

std::string_view last_step(std::string_view path) { return path.substr(path.rfind('.') + 1); }

}  // namespace

std::span<const Field> source_fields() { return fields; }

const Field* find_source_field(std::string_view map_path, std::string_view name) {
    const Field* any = nullptr;
    for (const Field& field : fields) {
        if (!is_child(field.path, map_path)) continue;
        if (last_step(field.path) == name) return &field;
        if (last_step(field.path) == "*") any = &field;
    }
    return any;
}

const Field& source_field(std::string_view path) {
    for (const Field& field : fields)
        if (field.path == path) return field;
    throw std::logic_error("not in the table of fields: " + std::string(path));
}

std::vector<const Field*> source_field_children(std::string_view path) {
    const std::string items = std::string(path) + "[]";
    std::vector<const Field*> children;
    for (const Field& field : fields)
        if (is_child(field.path, path) || (!path.empty() && is_child(field.path, items))) children.push_back(&field);
    return children;
}

const Field& defining_field(const Field& field) {
    const std::string name(last_step(field.path));
    if (field.type == "as in emit" || field.doc == "Short form: as in emit.") return source_field("streams.*.emit[]." + name);
    if (field.doc == "As in a stream.") return source_field("streams.*." + name);
    return field;
}

std::vector<std::string> source_field_names(std::string_view map_path) {
    std::vector<std::string> names;
    for (const Field& field : fields)
        if (is_child(field.path, map_path) && field.built && last_step(field.path) != "*")
            names.emplace_back(last_step(field.path));
    return names;
}

std::vector<std::string> split_choices(std::string_view choices) {
    std::vector<std::string> words;
    while (!choices.empty()) {
        const std::size_t bar = choices.find(" | ");
        words.emplace_back(choices.substr(0, bar));
        choices.remove_prefix(bar == std::string_view::npos ? choices.size() : bar + 3);
    }
    return words;
}

}  // namespace pawl::core
