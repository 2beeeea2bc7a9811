#include "core/field_reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace pawl::core {

namespace {

constexpr std::string_view supported_head = "| key | type | default | what |\n|---|---|---|---|\n";
constexpr std::string_view later_head = "| key or word | what it will be |\n|---|---|\n";

/// A bar would end the cell, also within backquotes.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
    return out;
}

std::string first_cell(const Field& field) { return "| `" + std::string(field.path) + "` |"; }

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

/// True where line `at` stands in a table with this head.
bool is_in_table(const std::vector<std::string>& lines, std::size_t at, std::string_view head) {
    const std::string_view first = head.substr(0, head.find('\n'));
    while (at > 0 && lines[at].starts_with('|')) {
        if (lines[at] == first) return true;
        --at;
    }
    return lines[at] == first;
}

std::size_t row_of(const std::vector<std::string>& lines, const Field& field) {
    const std::string_view head = field.built ? supported_head : later_head;
    for (std::size_t i = 0; i < lines.size(); ++i)
        if (lines[i].starts_with(first_cell(field)) && is_in_table(lines, i, head)) return i;
    return lines.size();
}

/// A row of the reference for what is no field, or stands in the other table.
bool is_stale(const std::vector<std::string>& lines, std::size_t at) {
    if (!lines[at].starts_with("| `")) return false;
    const bool supported = is_in_table(lines, at, supported_head);
    if (!supported && !is_in_table(lines, at, later_head)) return false;
    if (lines[at].find("` in `") != std::string::npos) return false;  // a word of a field, not a field
    const auto fields = source_fields();
    return std::none_of(fields.begin(), fields.end(), [&](const Field& field) {
        return field.built == supported && lines[at].starts_with(first_cell(field));
    });
}

}  // namespace

std::string reference_row(const Field& field) {
    if (!field.built) return fmt::format("{} {} |", first_cell(field), cell(field.doc));
    const std::string fallback = field.fallback.empty() ? "–" : "`" + cell(field.fallback) + "`";
    return fmt::format("{} {} | {} | {} |", first_cell(field), cell(field.type), fallback, cell(field.doc));
}

std::string reference_rows() {
    std::string supported(supported_head), later(later_head);
    for (const Field& field : source_fields()) {
        (field.built ? supported : later) += reference_row(field) + "\n";
        if (field.later.empty()) continue;
        std::string words;
        for (const std::string& word : split_choices(field.later)) words += (words.empty() ? "`" : ", `") + word + "`";
        later += fmt::format("| {} in `{}` | |\n", words, field.path);
    }
    return supported + "\n" + later;
}

std::string renewed_reference(std::string_view page) {
    auto lines = lines_of(page);
    for (std::size_t i = lines.size(); i-- > 0;)
        if (is_stale(lines, i)) lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
    const Field* before = nullptr;
    for (const Field& field : source_fields()) {
        std::size_t at = row_of(lines, field);
        if (at == lines.size() && field.built && before != nullptr) {
            at = std::min(row_of(lines, *before) + 1, lines.size());
            lines.emplace(lines.begin() + static_cast<std::ptrdiff_t>(at));
        }
        if (at < lines.size()) lines[at] = reference_row(field);
        if (field.built) before = &field;
    }
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
}

}  // namespace pawl::core
