#include "core/field_explanation.hpp"

#include <algorithm>
#include <vector>

#include "core/diagnostics.hpp"

namespace pawl::core {

namespace {

// clang-format off
constexpr FieldExample examples[] = {
    {"base_url", "base_url: https://api.github.com"},
    {"headers", "headers:\n  Accept: application/vnd.github+json\n  User-Agent: pawl (ops@example.org)"},
    {"credentials", "credentials:\n  from: {env: GITHUB_TOKENS}          # or {file: keys.txt}, or {dir: github}\n"
                    "  inject: {header: Authorization, value: \"Bearer {key}\"}"},
    {"credentials.owner", "owner: {path: /user, select: $.login}"},
    {"auth.bearer", "auth: {bearer: \"${TOKEN}\"}"},
    {"auth.basic", "auth: {basic: {user: me, password: \"${PASSWORD}\"}}"},
    {"auth.api_key", "auth: {api_key: {header: X-Api-Key, value: \"${API_KEY}\"}}"},
    {"auth.oauth2", "  oauth2: {token_url: \"https://id.example.org/oauth/token\", client_id: pawl, client_secret: \"${CLIENT_SECRET}\", scope: read}"},
    {"limits", "limits:\n  - {name: core,   match: \"/**\",        per: owner,  rate: 5000/h, reserve: 5%}\n"
               "  - {name: search, match: \"/search/**\", per: owner,  rate: 30/m}"},
    {"limits[].concurrency", "  - {name: open,   match: \"/**\",        per: source, concurrency: 60}"},
    {"limits[].algorithm", "{rate: 50/s, burst: 10, algorithm: token_bucket}"},
    {"limits[].timezone", "{rate: 10000/1d, algorithm: fixed_window, timezone: America/Los_Angeles}"},
    {"limits[].cost", "{name: points, rate: 5000/h, cost: {from: $.data.rateLimit.cost, estimate: 10}}"},
    {"feedback", "feedback:\n  limit: x-ratelimit-limit\n  remaining: x-ratelimit-remaining\n"
                 "  reset: {header: x-ratelimit-reset, format: epoch}"},
    {"feedback.resource", "  resource: {header: x-ratelimit-resource, core: core, search: search}"},
    {"feedback.standard", "feedback: {standard: ietf}"},
    {"feedback.policies", "policies: {burst: minute, daily: day}"},
    {"errors", "errors:\n  - {status: 401, body: \"Bad credentials\", do: quarantine_key}"},
    {"errors[].header", "  - {status: [403, 429], header: {x-ratelimit-remaining: \"0\"}, do: rate_limited}"},
    {"errors[].wait", "  - {status: 5xx, do: retry, attempts: 12, wait: 2s..10m}"},
    {"errors[].confirm", "  - {status: 404, do: gone, confirm: 2}"},
    {"defaults", "defaults:\n  query: {per_page: 100}\n  headers: {X-Api-Version: \"2022-11-28\"}\n  paginate: {type: link}"},
    {"streams.*.foreach", "    foreach: {stream: repos, where: \"stars > 0\", order: \"stars asc\"}"},
    {"streams.*.foreach.list", "list: [{url: \"https://example.org/a.md\", language: Node.js}]"},
    {"streams.*.foreach.table", "    foreach: {table: gh_user, key: user_id, where: \"stars is null\"}"},
    {"streams.*.foreach.key", "    foreach: {stream: awesome, key: \"{lower(login)}/{lower(name)}\"}"},
    {"streams.*.foreach.range", "    foreach: {range: {from: 1, to: 5000, step: 100}, as: first}"},
    {"streams.*.path", "    path: /repos/{login}/{name}"},
    {"streams.*.url", "url: \"{list.url}\""},
    {"streams.*.query", "    query: {per_page: 100}"},
    {"streams.*.headers", "    headers: {Accept: application/vnd.github.star+json}"},
    {"streams.*.body", "    body: {json: {filter: {owner: \"{login}\", id: \"{repo_id}\"}, limit: 100, after: ~}}"},
    {"streams.*.body.form", "    body: {form: {q: \"{login}\", page: 1}}"},
    {"streams.*.body.graphql", "    body: {graphql: {query: \"query($repo: ID!) { node(id: $repo) { id } }\", variables: {repo: \"{node_id}\", after: ~}}}"},
    {"streams.*.cost", "cost: {points: 100}"},
    {"streams.*.scopes", "scopes: [read:org]"},
    {"streams.*.paginate", "    paginate: {type: link, max_pages: 400, on_max: truncated}"},
    {"streams.*.paginate.next_url", "    paginate: {next_url: $.next}"},
    {"streams.*.paginate.page", "    paginate: {page: {param: page, start: 1, size_param: per_page, size: 100, last: $.pages}}"},
    {"streams.*.paginate.offset", "    paginate: {offset: {param: offset, limit_param: limit, limit: 100, total: $.total}}"},
    {"streams.*.paginate.cursor", "    paginate: {cursor: {next: $.meta.cursor, into: query.cursor, more: $.has_more}}"},
    {"streams.*.paginate.last_id", "    paginate: {last_id: {from: \"$[-1].id\", into: query.since_id}, stop_when: $.done}"},
    {"streams.*.paginate.stop_when", "    paginate: {last_id: {from: \"$[-1].id\", into: query.since_id}, stop_when: $.done}"},
    {"streams.*.incremental.since", "    incremental: {since: {field: $.updated_at, into: query.since, lookback: 2d, start: 2020-01-01}}"},
    {"streams.*.incremental.window", "    incremental: {window: {from_into: query.start, to_into: query.end, step: 7d, start: 2015-01-01, lookback: 3d}}"},
    {"streams.*.incremental.newest_first", "    incremental: {newest_first: {field: $.id, format: number}}"},
    {"streams.*.decode", "    decode: {csv: {delimiter: \";\", header: [id, name, price]}}"},
    {"streams.*.records", "    records: $.items[*]"},
    {"streams.*.records.match", "      match: 'https://github\\.com/(?<login>[\\w.-]+)/(?<name>[\\w.-]+)'"},
    {"streams.*.records.split", "      split: '^#{2,}\\s*(?<section>.+)$'"},
    {"streams.*.records.rows", "    records: {rows: $.result.rows, columns: $.result.headers}"},
    {"streams.*.records.columns", "    records: {rows: $.result.rows, columns: $.result.headers}"},
    {"streams.*.records.element", "    records: {element: item}"},
    {"streams.*.key", "    key: id                              # or [owner, number]"},
    {"streams.*.merge", "    merge: {newest: $.updated_at}"},
    {"streams.*.emit", "      - {table: gh_user, each: $.owner, key: [user_id], merge: fill_null, set: {user_id: $.id, login: $.login}}"},
    {"streams.*.emit[].replace_by", "      - {table: repository_topic, each: \"$.topics[*]\", key: [repo_id, topic], replace_by: [repo_id], set: {repo_id: $$.id, topic: $}}"},
    {"streams.*.conditional", "    conditional: etag"},
    {"streams.*.refresh", "    refresh: 30d"},
    {"streams.*.expect", "    expect: {count: parent.stars, tolerance: 1%}"},
    {"tables", "tables: {schema: github, create: true, drift: add_columns}"},
    {"schedule", "schedule: {every: 6h, streams: [awesome, repos]}"},
    {"schedule.cron", "schedule: {cron: \"0 3 * * *\", timezone: Asia/Seoul}"},
    {"schedule.timezone", "schedule: {cron: \"0 3 * * *\", timezone: Asia/Seoul}"},
};

constexpr TypeNotation notations[] = {
    {"cron", "minute hour day month weekday: \"0 3 * * *\""},
    {"duration", "500ms, 30s, 15m, 6h, 30d, also 1h30m"},
    {"duration or number", "2d; where the values are numbers, a number"},
    {"duration or range", "30s, or 2s..10m"},
    {"expression", "$.items[*], $.owner.login, header.x_total, add($.page, 1)"},
    {"glob", "/search/**: * within a segment, ** over segments"},
    {"list of statuses", "[304, 404]"},
    {"rate", "5000/h, 30/m, 20/s, 100/15m, 10000/month"},
    {"share", "5% or 0.05"},
    {"status, 5xx, or list", "404, 5xx or [403, 429]"},
    {"template", "text with {placeholders} and ${VARIABLES} in it"},
    {"time format, number, hex", "iso8601, http_date, epoch, epoch_ms, '%Y-%m-%d', number or hex"},
    {"time or number", "2020-01-01, 2020-01-01T00:00:00Z, or a number"},
    {"time zone", "Asia/Seoul, UTC: names of the tz database"},
    {"time, number or expression", "now, 2024-01-01, a number, parent.NAME"},
    {"type", "boolean, bigint, numeric, double precision, date, timestamptz, uuid, text or jsonb"},
    {"URL", "http:// or https://, and a host"},
};
// clang-format on

/// The text without what all its lines are indented by, indented by `by`.
std::string indented(std::string_view text, std::size_t by) {
    const std::size_t blanks = std::min(text.find_first_not_of(' '), text.size());
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        out += std::string(by, ' ') + std::string(line.substr(std::min(blanks, line.size()))) + "\n";
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

std::string padded(std::string_view text, std::size_t width) {
    return std::string(text) + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

std::string children_text(std::string_view path) {
    const auto children = source_field_children(path);
    std::size_t names = 0, types = 0;
    const auto name_of = [](const Field& field) { return field.path.substr(field.path.rfind('.') + 1); };
    for (const Field* child : children) {
        names = std::max(names, name_of(*child).size());
        if (child->type.size() <= 30) types = std::max(types, child->type.size());
    }
    std::string out;
    for (const Field* child : children)
        out += "  " + padded(name_of(*child), names) + "  " + padded(child->type, types) + "  " + std::string(child->doc) +
               (child->built ? "" : " Not supported in this version.") + "\n";
    return out;
}

}  // namespace

std::span<const FieldExample> field_examples() { return examples; }
std::span<const TypeNotation> type_notations() { return notations; }

std::string_view field_example(std::string_view path) {
    for (;;) {
        for (const FieldExample& example : examples)
            if (example.path == path || (path.ends_with("[]") && example.path == path.substr(0, path.size() - 2)))
                return example.text;
        const std::size_t dot = path.rfind('.');
        if (dot == std::string_view::npos) return "";
        path = path.substr(0, dot);
    }
}

std::string_view type_notation(std::string_view type) {
    for (const TypeNotation& row : notations)
        if (row.type == type) return row.text;
    return "";
}

std::string explanation(const Field& field) {
    std::string out = std::string(field.path) + "\n\n  " + std::string(field.doc) + "\n\n";
    if (!field.built) return out + "  Not supported in this version.\n";
    const Field& meant = defining_field(field);
    const auto line = [&](std::string_view label, std::string_view text) {
        if (!text.empty()) out += "  " + padded(label, 9) + std::string(text) + "\n";
    };
    if (&meant != &field) line("as in", meant.path);
    const auto choices = split_choices(meant.type);
    if (choices.size() > 1)
        line("one of", enumerate(choices, "or"));
    else
        line("type", meant.type);
    line("written", type_notation(meant.type));
    line("default", field.fallback.empty() ? "none" : field.fallback);
    line("later", field.later);
    if (const auto children = children_text(meant.path); !children.empty()) out += "\nBelow it:\n" + children;
    if (const auto example = field_example(field.path); !example.empty()) out += "\nExample:\n" + indented(example, 2);
    return out;
}

std::string explanation_of_file() {
    return "The keys of a source file; `pawl config explain KEY` tells what is below one.\n\n" + children_text("");
}

}  // namespace pawl::core
