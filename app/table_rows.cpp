#include "app/table_rows.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "app/exact_json.hpp"
#include "core/errors.hpp"

namespace pawl::app {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t lines_shown = 20;  // of one file and sign

std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string object_text(const std::vector<std::pair<std::string, std::string>>& members) {
    std::string text;
    for (const auto& [name, value] : members) text += (text.empty() ? "" : ", ") + quoted(name) + ": " + value;
    return "{" + text + "}";
}

std::string cell_text(const core::Value& value) {
    return value.kind == core::Value::Kind::json ? compact_json(value.text) : json_text(value);
}

/// What tells the row from others; "" where the table has no key.
std::string key_of(const core::Emit& emit, const core::EmitRows& rows, std::size_t row) {
    std::string key;
    for (const auto& column : emit.key)
        for (std::size_t c = 0; c < rows.columns.size(); ++c)
            if (rows.columns[c] == column) key += cell_text(rows.cells[row * rows.columns.size() + c]) + "\n";
    return key;
}

/// Lines of `lines` that `others` does not have, each as often as it is missing there.
std::vector<std::string> only_in(const std::vector<std::string>& lines, const std::vector<std::string>& others) {
    std::multiset<std::string> left(others.begin(), others.end());
    std::vector<std::string> only;
    for (const auto& line : lines)
        if (const auto found = left.find(line); found != left.end())
            left.erase(found);
        else
            only.push_back(line);
    return only;
}

std::string signed_lines(char sign, const std::vector<std::string>& lines) {
    std::string text;
    for (std::size_t i = 0; i < std::min(lines.size(), lines_shown); ++i) text += std::string(1, sign) + " " + lines[i] + "\n";
    if (lines.size() > lines_shown)
        text += std::string(1, sign) + " … and " + std::to_string(lines.size() - lines_shown) + " more\n";
    return text;
}

const std::vector<std::string>& lines_of(const TableFiles& files, const std::string& name) {
    static const std::vector<std::string> none;
    const auto found = files.find(name);
    return found == files.end() ? none : found->second;
}

}  // namespace

void TableRows::add(const DryPage& page) {
    for (const auto& rows : page.rows.emits) {
        const auto& emit = page.stream->emits[rows.emit];
        add(emit, rows, tables_[emit.table]);
        for (const auto& one : rows.rejected)
            rejected_.push_back(object_text({{"table", quoted(emit.table)}, {"reason", quoted(one.reason)}, {"record", quoted(one.record)}}));
    }
}

void TableRows::add(const core::Emit& emit, const core::EmitRows& rows, Table& table) {
    const auto types = told_types(rows);
    for (std::size_t c = 0; c < rows.columns.size(); ++c) {
        auto& type = table.types[rows.columns[c]];
        if (std::find(table.columns.begin(), table.columns.end(), rows.columns[c]) == table.columns.end())
            table.columns.push_back(rows.columns[c]);
        if (types[c]) type = type ? core::widen(*type, *types[c]) : *types[c];
    }
    for (std::size_t row = 0; row < rows.row_count(); ++row) {
        const auto key = key_of(emit, rows, row);
        const auto [known, is_new] = key.empty() ? std::pair{table.by_key.end(), true} : table.by_key.emplace(key, table.rows.size());
        if (is_new) table.rows.emplace_back();
        merge(emit, rows, row, is_new ? table.rows.back() : table.rows[known->second]);
    }
}

void TableRows::merge(const core::Emit& emit, const core::EmitRows& rows, std::size_t row, Row& into) {
    if (row < rows.versions.size()) {
        const auto [version, is_first] = into.versions.emplace(rows.emit, rows.versions[row]);
        if (!is_first && rows.versions[row] < version->second) return;
        version->second = rows.versions[row];
    }
    for (std::size_t c = 0; c < rows.columns.size(); ++c) {
        auto& cell = into.cells[rows.columns[c]];
        const bool is_there = !cell.empty() && cell != "null";
        if (emit.merge != core::Emit::Merge::fill_null || !is_there) cell = cell_text(rows.cells[row * rows.columns.size() + c]);
    }
}

TableFiles TableRows::files() const {
    TableFiles files;
    for (const auto& [name, table] : tables_) {
        if (table.rows.empty()) continue;
        std::vector<std::pair<std::string, std::string>> types;
        for (const auto& column : table.columns) {
            const auto& type = table.types.at(column);
            types.emplace_back(column, type ? quoted(std::string(core::to_string(*type))) : "null");
        }
        auto& lines = files[name + ".jsonl"];
        lines.push_back(object_text({{"_columns", object_text(types)}}));
        for (const auto& row : table.rows) {
            std::vector<std::pair<std::string, std::string>> cells;
            for (const auto& column : table.columns)
                if (const auto cell = row.cells.find(column); cell != row.cells.end()) cells.emplace_back(column, cell->second);
            lines.push_back(object_text(cells));
        }
    }
    if (!rejected_.empty()) files["_rejected.jsonl"] = rejected_;
    return files;
}

TableFiles read_tables(const std::string& folder) {
    TableFiles files;
    if (!fs::is_directory(folder)) return files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.path().extension() != ".jsonl") continue;
        std::ifstream in(entry.path(), std::ios::binary);
        auto& lines = files[entry.path().filename().string()];
        for (std::string line; std::getline(in, line);)
            if (!line.empty()) lines.push_back(line);
    }
    return files;
}

void write_tables(const std::string& folder, const TableFiles& files) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) throw core::PermanentError(folder + ": " + error.message());
    for (const auto& [name, lines] : read_tables(folder))
        if (!files.contains(name)) fs::remove(fs::path(folder) / name);
    for (const auto& [name, lines] : files) {
        std::ofstream out(fs::path(folder) / name, std::ios::binary | std::ios::trunc);
        for (const auto& line : lines) out << line << '\n';
        if (!out.flush()) throw core::PermanentError(folder + "/" + name + ": cannot be written");
    }
}

std::string difference(const TableFiles& expected, const TableFiles& found) {
    std::set<std::string> names;
    for (const auto& [name, lines] : expected) names.insert(name);
    for (const auto& [name, lines] : found) names.insert(name);
    std::string text;
    for (const auto& name : names) {
        const auto missing = only_in(lines_of(expected, name), lines_of(found, name));
        const auto surplus = only_in(lines_of(found, name), lines_of(expected, name));
        if (!missing.empty() || !surplus.empty())
            text += name + ":\n" + signed_lines('-', missing) + signed_lines('+', surplus);
    }
    return text;
}

}  // namespace pawl::app
