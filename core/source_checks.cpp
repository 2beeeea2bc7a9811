#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

using Path = std::vector<std::string>;

/// A table as all emits of the file together make it.
struct Table {
    std::vector<std::string> columns;
    bool inferred = false;  ///< columns are found in the data, so any name may be one
    std::vector<std::string> key;
    bool appends = false, sweeps = false, history = false;
    std::string first_stream;
    std::set<std::string> streams;
};

std::string list_of(const std::vector<std::string>& names) {
    return names.empty() ? "no key" : "key [" + fmt::format("{}", fmt::join(names, ", ")) + "]";
}

/// How a table without a key is written.
std::string_view written(bool appends) { return appends ? "appended to" : "replaced as a whole"; }

std::string without_scope(const std::string& name) {
    return name.substr(name.find('.') == std::string::npos ? 0 : name.find('.') + 1);
}

class StreamChecks {
  public:
    StreamChecks(const SourceFile& source, const YamlNode& root, Problems& problems)
        : source_(source), root_(root), problems_(problems) {
        for (const Stream& stream : source.streams) stream_names_.push_back(stream.name);
    }

    void run() {
        for (const Stream& stream : source_.streams) collect_tables(stream);
        for (const auto& [name, table] : tables_) table_names_.push_back(name);
        for (const Stream& stream : source_.streams) {
            check_parent(stream);
            check_names(stream);
            check_cost(stream);
        }
        check_cycles();
    }

  private:
    void report(const Stream& stream, Path path, std::string message, std::string hint = "") {
        path.insert(path.begin(), {"streams", stream.name});
        problems_.add(root_.nearest(path).at, std::move(message), std::move(hint));
    }

    void check_cost(const Stream& stream) {
        std::vector<std::string> limits;
        for (const Limit& limit : source_.limits) limits.push_back(limit.name);
        for (const auto& [name, units] : stream.cost) {
            const bool known = name.empty() || std::find(limits.begin(), limits.end(), name) != limits.end();
            if (!known)
                report(stream, {"cost", name}, fmt::format("there is no limit \"{}\"", name), did_you_mean(name, limits));
            for (const Limit& limit : source_.limits)
                if ((name.empty() || name == limit.name) && limit.count > 0 && units > limit.count)
                    report(stream, {"cost"}, fmt::format("a request of {} units never fits limit \"{}\" of {}", units,
                                                         limit.name, limit.count));
        }
    }

    /// The map form of `emit` has no indexes: nearest() then stays at the map.
    void collect_tables(const Stream& stream) {
        for (std::size_t i = 0; i < stream.emits.size(); ++i) {
            const Emit& emit = stream.emits[i];
            if (emit.table.empty()) continue;
            auto [found, is_new] = tables_.try_emplace(emit.table);
            Table& table = found->second;
            if (is_new) {
                table.key = emit.key;
                table.appends = emit.merge == Emit::Merge::append;
                table.history = emit.merge == Emit::Merge::history;
                table.first_stream = stream.name;
            } else if (table.key != emit.key) {
                report(stream, {"emit", std::to_string(i), "key"},
                       fmt::format("table \"{}\" has {} here and {} in stream \"{}\"", emit.table,
                                   list_of(emit.key), list_of(table.key), table.first_stream));
            } else if (table.appends != (emit.merge == Emit::Merge::append)) {
                report(stream, {"emit", std::to_string(i)},
                       fmt::format("table \"{}\" is {} here and {} in stream \"{}\"", emit.table,
                                   written(!table.appends), written(table.appends), table.first_stream));
            }
            if (!is_new && (table.history || emit.merge == Emit::Merge::history))
                report(stream, {"emit", std::to_string(i)},
                       fmt::format("table \"{}\" keeps history, and stream \"{}\" writes it as well: one \"emit\" owns all of a row",
                                   emit.table, table.first_stream));
            check_absent(stream, i, table);
            table.inferred = table.inferred || emit.infer;
            table.streams.insert(stream.name);
            for (const Emit::Column& column : emit.columns) table.columns.push_back(column.name);
        }
    }

    void check_absent(const Stream& stream, std::size_t i, Table& table) {
        const Emit& emit = stream.emits[i];
        if (!emit.sweeps()) return;
        const bool is_short = root_.nearest({"streams", stream.name}).find("emit") == nullptr;
        const Path path = is_short ? Path{"absent"} : Path{"emit", std::to_string(i), "absent"};
        if (stream.foreach_.kind != Foreach::Kind::once && emit.replace_by.empty())
            report(stream, path, "\"absent\" needs \"replace_by\" in a stream with \"foreach\": which rows does one walk stand for?",
                   is_short ? "\"replace_by\" is a key of \"emit\"" : "");
        if (table.sweeps)
            report(stream, path, fmt::format("of table \"{}\" something else says already what is absent", emit.table));
        table.sweeps = true;
    }

    const Table* find_table(const std::string& name) const {
        const auto found = tables_.find(name);
        return found == tables_.end() ? nullptr : &found->second;
    }

    /// The table whose rows the stream is asked for; null pointer where there is none, or that is a
    /// problem already.
    const Table* parent_table(const Stream& stream) const {
        const Foreach& each = stream.foreach_;
        if (!each.table.empty()) return find_table(each.table);
        const Stream* parent = source_.find(each.stream);
        if (parent == nullptr || parent->emits.empty()) return nullptr;
        return find_table(parent->emits.front().table);
    }

    void check_parent(const Stream& stream) {
        const Foreach& each = stream.foreach_;
        if (!each.stream.empty() && source_.find(each.stream) == nullptr)
            report(stream, {"foreach", "stream"},
                   fmt::format("there is no stream \"{}\"", each.stream),
                   did_you_mean(each.stream, stream_names_));
        const Table* table = parent_table(stream);
        if (!each.table.empty() && table == nullptr)
            report(stream, {"foreach", "table"},
                   fmt::format("no stream of this file emits into table \"{}\"", each.table),
                   did_you_mean(each.table, table_names_));
        if (table == nullptr) return;
        const bool of_parent = each.stream.empty() || table->streams.contains(each.stream);
        if (of_parent)
            check_parent_key(stream, *table);
        else if (source_.find(each.stream) != nullptr)
            report(stream, {"foreach", "table"},
                   fmt::format("stream \"{}\" does not emit into table \"{}\"", each.stream,
                               each.table));
    }

    void check_parent_key(const Stream& stream, const Table& table) {
        const Foreach& each = stream.foreach_;
        if (table.key.empty() && each.key_columns.empty() && !each.key_template)
            report(stream, {"foreach"},
                   "\"key\" is missing: the rows asked for have no primary key");
        if (table.history && each.kind == Foreach::Kind::table && each.key_columns.empty() && !each.key_template)
            report(stream, {"foreach"}, "\"key\" is missing: a table with history has several rows of one key",
                   "such as key: id, where: \"valid_to is null\"");
        for (const std::string& column : each.key_columns)
            check_column(stream, {"foreach", "key"}, column, table);
        if (each.key_template)
            for (const auto& name : each.key_template->names()) check_placeholder(stream, {"foreach", "key"}, name);
    }

    void check_column(const Stream& stream, const Path& path, const std::string& column,
                      const Table& table) {
        const auto& known = table.columns;
        if (table.inferred || std::find(known.begin(), known.end(), column) != known.end()) return;
        report(stream, path, fmt::format("the rows asked for have no column \"{}\"", column),
               did_you_mean(column, known));
    }

    void check_names(const Stream& stream) {
        check_template(stream, {"path"}, stream.url);
        for (const auto& [name, value] : stream.query)
            check_template(stream, {"query", name}, value);
        for (const auto& [name, value] : stream.headers)
            check_template(stream, {"headers", name}, value);
        std::vector<Template> in_body;
        stream.body.root.add_templates(in_body);
        for (const Template& text : in_body) check_template(stream, {"body"}, text);
        for (const Expression& expression : expressions_of(stream))
            if (expression.uses_window() && !stream.incremental)
                report(stream, {}, fmt::format("window refers to nothing in {}: the stream has no \"incremental\"", expression.text()));
        std::set<std::string> seen;
        if (stream.expect) check_expect(stream, seen);
        for (const Expression& expression : expressions_of(stream))
            for (const std::string& name : expression.parent_names())
                if (seen.insert(name).second) check_placeholder(stream, {}, {"parent." + name, true});
    }

    void check_expect(const Stream& stream, std::set<std::string>& seen) {
        const Path path{"expect", "count"};
        for (const std::string& name : stream.expect->count.parent_names())
            if (seen.insert(name).second) check_placeholder(stream, path, {"parent." + name, true});
        for (const std::string& name : stream.expect->count.list_names())
            check_placeholder(stream, path, {"list." + name, true});
    }

    void check_template(const Stream& stream, const Path& path, const Template& text) {
        Path place = path;
        const YamlNode* own = root_.nearest({"streams", stream.name}).find("url");
        if (path.front() == "path" && own != nullptr) place = {"url"};
        for (const auto& name : text.names()) check_placeholder(stream, place, name);
        if (text.uses_window() && !stream.incremental)
            report(stream, place, "{window.start} refers to nothing: the stream has no \"incremental\"");
    }

    void check_placeholder(const Stream& stream, const Path& path, const Template::Name& placeholder) {
        const std::string& name = placeholder.scoped;
        switch (stream.foreach_.kind) {
            case Foreach::Kind::once:
                if (!root_.nearest({"streams", stream.name}).find("foreach"))
                    report(stream, path,
                           fmt::format("{{{}}} refers to nothing: the stream has no \"foreach\"",
                                       name));
                return;
            case Foreach::Kind::list:
                return check_list_name(stream, path, placeholder);
            case Foreach::Kind::stream:
            case Foreach::Kind::table:
                if (name.starts_with("list.") || (!name.starts_with("parent.") && stream.foreach_.is_listed(name)))
                    check_list_name(stream, path, placeholder);
                else if (const Table* table = parent_table(stream))
                    check_column(stream, path, without_scope(name), *table);
        }
    }

    /// Every entry must have what is needed: one that has not would fail while the source runs.
    void check_list_name(const Stream& stream, const Path& path, const Template::Name& placeholder) {
        const std::string& scoped = placeholder.scoped;
        if (scoped.starts_with("parent.")) {
            report(stream, path,
                   fmt::format("{{{}}} refers to nothing: the stream has no parent", scoped));
            return;
        }
        const std::string name = without_scope(scoped);
        std::vector<std::string> known;
        for (const Foreach::Factor& factor : stream.foreach_.factors) {
            const auto& names = names_of(factor);
            known.insert(known.end(), names.begin(), names.end());
            if (names.contains(name)) return check_entries(stream, factor, name, placeholder.is_needed);
        }
        const bool only_ranges = std::all_of(stream.foreach_.factors.begin(), stream.foreach_.factors.end(),
                                             [](const Foreach::Factor& factor) { return factor.range.has_value(); });
        if (only_ranges && !known.empty())
            report(stream, path, fmt::format("\"foreach\" has no value \"{}\", only {}", name, enumerate(quoted(known))));
        else if (stream.foreach_.factors.empty())
            report(stream, path, fmt::format("{{{}}} refers to nothing: \"foreach\" has no list", scoped));
        else if (!known.empty())
            report(stream, path, fmt::format("the entries of \"list\" have no \"{}\"", name), did_you_mean(name, known));
    }

    /// Found once: a list may have a hundred thousand entries.
    const std::set<std::string>& names_of(const Foreach::Factor& factor) {
        const auto [found, is_new] = names_.try_emplace(&factor);
        if (is_new) found->second = factor.names();
        return found->second;
    }

    void check_entries(const Stream& stream, const Foreach::Factor& factor, const std::string& name, bool is_needed) {
        if (factor.range || !is_needed) return;
        Path way{"streams", stream.name, "foreach"};
        if (!factor.place.empty()) way.push_back(factor.place);
        way.push_back("list");
        for (const YamlNode& entry : root_.nearest(way).items) {
            if (!entry.is_map() || entry.find(name) != nullptr) continue;
            problems_.add(entry.at, fmt::format("this entry has no \"{}\"", name));
            return;
        }
    }

    /// A stream that waits for its own rows never starts. Each cycle is told once.
    void check_cycles() {
        std::set<std::string> told;
        for (const Stream& stream : source_.streams) {
            std::vector<std::string> way{stream.name};
            const Stream* at = source_.find(stream.foreach_.stream);
            while (at != nullptr && std::find(way.begin(), way.end(), at->name) == way.end()) {
                way.push_back(at->name);
                at = source_.find(at->foreach_.stream);
            }
            if (at == nullptr || at->name != stream.name || told.contains(stream.name)) continue;
            told.insert(way.begin(), way.end());
            way.push_back(stream.name);
            report(stream, {"foreach", "stream"},
                   fmt::format("streams wait for each other: {}", fmt::join(way, " → ")));
        }
    }

    const SourceFile& source_;
    const YamlNode& root_;
    Problems& problems_;
    std::vector<std::string> stream_names_, table_names_;
    std::map<std::string, Table> tables_;
    std::map<const Foreach::Factor*, std::set<std::string>> names_;
};

}  // namespace

void check_streams(const SourceFile& source, const YamlNode& root, Problems& problems) {
    StreamChecks{source, root, problems}.run();
}

}  // namespace pawl::core::reading
