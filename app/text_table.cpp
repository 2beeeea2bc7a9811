#include "app/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace pawl::app {

namespace {

/// Characters, counted as code points: close enough to columns for names and numbers.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & '\xc0') != '\x80'; }));
}

std::string cut(const std::string& text, std::size_t cell_max) {
    std::string out;
    std::size_t characters = 0;
    for (const char c : text) {
        if ((c & '\xc0') != '\x80' && ++characters > cell_max - 1 && width(text) > cell_max)
            return out + "…";
        out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
    }
    return out;
}

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789,.-+%") == std::string::npos;
}

}  // namespace

TextTable::TextTable(std::vector<std::string> header) { rows_.push_back(std::move(header)); }

void TextTable::add(std::vector<std::string> row) {
    row.resize(rows_.front().size());
    rows_.push_back(std::move(row));
}

std::string TextTable::text(std::size_t cell_max) const {
    const std::size_t columns = rows_.front().size();
    std::vector<std::size_t> widths(columns);
    std::vector<bool> right(columns, rows_.size() > 1);
    auto rows = rows_;
    for (std::size_t r = 0; r < rows.size(); ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
            rows[r][c] = cut(rows[r][c], cell_max);
            widths[c] = std::max(widths[c], width(rows[r][c]));
            if (r > 0 && !rows[r][c].empty() && !is_number(rows[r][c])) right[c] = false;
        }
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t c = 0; c < columns; ++c) {
            const std::string space(widths[c] - width(row[c]), ' ');
            line += (c == 0 ? "" : "  ") + (right[c] ? space + row[c] : row[c] + space);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    }
    return out;
}

std::string grouped(std::int64_t number) {
    std::string digits = std::to_string(number);
    const std::size_t first = number < 0 ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, ",");
    return digits;
}

std::string duration_text(double seconds) {
    const auto whole = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
    if (whole < 60) return fmt::format("{} s", whole);
    if (whole < 3'600) return fmt::format("{} min {} s", whole / 60, whole % 60);
    if (whole < 172'800) return fmt::format("{} h {} min", whole / 3'600, whole % 3'600 / 60);
    return fmt::format("{} days", whole / 86'400);
}

std::string bytes_text(std::int64_t bytes) {
    if (bytes < 1'024) return fmt::format("{} B", bytes);
    double amount = static_cast<double>(bytes);
    const char* unit = "B";
    for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
        if (amount < 1'024) break;
        amount /= 1'024;
        unit = next;
    }
    return fmt::format("{:.1f} {}", amount, unit);
}

}  // namespace pawl::app
