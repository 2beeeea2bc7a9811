#include <iostream>
#include <nlohmann/json.hpp>

#include "app/api_access.hpp"
#include "app/commands.hpp"
#include "app/failure.hpp"
#include "app/reach.hpp"
#include "app/session.hpp"
#include "app/source_set.hpp"
#include "app/text_table.hpp"
#include "storage/pg_token_store.hpp"

namespace pawl::app {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t rows_shown = 10;

struct Target {
    std::shared_ptr<const core::SourceFile> source;
    const core::Stream* stream = nullptr;
};

/// "stream", or "source.stream" where several sources have one of that name.
Target find_target(const Sources& sources, const std::string& name) {
    const auto dot = name.find('.');
    if (dot != std::string::npos) {
        const auto source = find_source(sources, name.substr(0, dot));
        return {source, &find_stream(*source, name.substr(dot + 1))};
    }
    Target target;
    for (const auto& source : sources) {
        const auto* stream = source->find(name);
        if (stream == nullptr) continue;
        if (target.stream != nullptr)
            throw UsageError("stream '" + name + "' is in several sources: say " +
                             target.source->name + "." + name + " or " + source->name + "." + name);
        target = {source, stream};
    }
    if (target.stream == nullptr && sources.size() == 1)
        (void)find_stream(*sources.front(), name);  // with a suggestion
    if (target.stream == nullptr) throw UsageError("no source has a stream '" + name + "'");
    return target;
}

std::string cell_text(const core::Value& value) {
    return value.is_null() ? "" : std::string(value.text);
}

nlohmann::ordered_json cell_json(const core::Value& value) {
    using Kind = core::Value::Kind;
    if (value.is_null()) return nullptr;
    if (value.kind == Kind::text) return std::string(value.text);
    auto parsed = nlohmann::ordered_json::parse(value.text, nullptr, false);
    // nlohmann would round a long integer: then its digits are kept as text.
    if (parsed.is_discarded() ||
        (parsed.is_number_float() && value.text.find_first_of(".eE") == std::string_view::npos))
        return std::string(value.text);
    return parsed;
}

nlohmann::ordered_json rows_json(const core::SourceFile& source, const core::Stream& stream,
                                 const core::EmitRows& rows) {
    const auto types = column_types(rows);
    Json columns = Json::array(), records = Json::array();
    for (std::size_t c = 0; c < rows.columns.size(); ++c)
        columns.push_back({{"name", rows.columns[c]}, {"type", core::to_string(types[c])}});
    for (std::size_t row = 0; row < rows.row_count(); ++row) {
        Json record = Json::object();
        for (std::size_t c = 0; c < rows.columns.size(); ++c)
            record[rows.columns[c]] = cell_json(rows.cells[row * rows.columns.size() + c]);
        records.push_back(std::move(record));
    }
    Json rejected = Json::array();
    for (const auto& one : rows.rejected) rejected.push_back(one.reason);
    return {{"table", source.schema + "." + stream.emits[rows.emit].table},
            {"columns", std::move(columns)},
            {"rows", std::move(records)},
            {"rejected", std::move(rejected)}};
}

void print_json(const core::SourceFile& source, const DryPage& page) {
    Json tables = Json::array(), limits = Json::object(), unnamed = Json::object();
    for (const auto& rows : page.rows.emits)
        tables.push_back(rows_json(source, *page.stream, rows));
    for (const auto& [name, value] : page.limits.named) limits[name] = value;
    for (const auto& [name, value] : page.limits.unnamed) unnamed[name] = value;
    const Json out{
        {"source", source.name},
        {"stream", page.stream->name},
        {"url", page.url},
        {"status", page.status},
        {"body_bytes", page.body_bytes},
        {"next_cursor", page.following.cursor ? Json(*page.following.cursor) : Json(nullptr)},
        {"end", page.following.cursor ? "" : page.following.why},
        {"limits", limits},
        {"limits_not_in_feedback", unnamed},
        {"notes", page.notes},
        {"tables", tables}};
    std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

void print_rows(const core::SourceFile& source, const core::Stream& stream,
                const core::EmitRows& rows) {
    std::cout << '\n'
              << source.schema << '.' << stream.emits[rows.emit].table << ": " << grouped(rows.read)
              << (rows.read == 1 ? " record" : " records");
    if (!rows.rejected.empty())
        std::cout << ", " << rows.rejected.size() << " rejected (" << rows.rejected.front().reason
                  << ")";
    std::cout << '\n';
    if (rows.columns.empty()) return;
    TextTable table(rows.columns);
    std::vector<std::string> types;
    for (const auto type : column_types(rows)) types.emplace_back(core::to_string(type));
    table.add(types);
    for (std::size_t row = 0; row < std::min(rows.row_count(), rows_shown); ++row) {
        std::vector<std::string> cells;
        for (std::size_t c = 0; c < rows.columns.size(); ++c)
            cells.push_back(cell_text(rows.cells[row * rows.columns.size() + c]));
        table.add(std::move(cells));
    }
    std::cout << table.text(28);
    if (rows.row_count() > rows_shown)
        std::cout << "… and " << rows.row_count() - rows_shown << " more\n";
}

void print_text(const core::SourceFile& source, const DryPage& page) {
    for (const auto& note : page.notes) std::cout << note << '\n';
    std::cout << page.url << ": " << page.status << ", "
              << bytes_text(static_cast<std::int64_t>(page.body_bytes)) << '\n';
    for (const auto& rows : page.rows.emits) print_rows(source, *page.stream, rows);
    std::cout << "\nnext page: "
              << (page.following.cursor ? *page.following.cursor : "none: " + page.following.why)
              << '\n';
    for (const auto& [name, value] : page.limits.named) std::cout << name << ": " << value << '\n';
    for (const auto& [name, value] : page.limits.unnamed)
        std::cout << name << ": " << value << " (not in the file's feedback: pawl config explain feedback)\n";
    std::cout << "Nothing was stored.\n";
}

}  // namespace

core::ExitCode preview(const Invocation& invocation) {
    const auto sources =
        load_sources(source_files(source_paths(settings_of(invocation))), invocation.environment);
    const auto target = find_target(sources, invocation.names.front());
    const bool keeps_token = uses_refresh_token(*target.source);
    Session session(invocation, {.redis = false, .postgres = keeps_token});
    std::optional<storage::PgTokenStore> store;
    if (keeps_token) {
        (void)session.wait_for(reach_postgres(session));
        store.emplace(session.postgres);
    }
    ApiAccess api(session, target.source, store ? &*store : nullptr);
    auto preview = api.preview(invocation.placeholders);
    const DryPage page = session.wait_for(preview.page(*target.stream));
    if (invocation.json)
        print_json(*target.source, page);
    else
        print_text(*target.source, page);
    return core::ExitCode::ok;
}

}  // namespace pawl::app
