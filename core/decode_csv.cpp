#include "core/decode_csv.hpp"

#include <algorithm>

#include "core/column_names.hpp"
#include "core/decimal.hpp"
#include "core/errors.hpp"
#include "core/json_array.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

namespace {

constexpr std::size_t fields_max = 10'000;  // of a line: a body of delimiters would take many times its size

struct CsvField {
    std::string_view text;  ///< as it stands, without the quotes around it
    bool quoted = false;
    bool doubled = false;   ///< holds quotes that are written twice
};

struct CsvLine {
    std::vector<CsvField> fields;
    bool stray_quote = false;  ///< text behind a closing quote
    bool ended = false;        ///< by a line break

    [[nodiscard]] bool is_empty() const { return fields.size() == 1 && !fields[0].quoted && fields[0].text.empty(); }
};

class CsvReader {
  public:
    CsvReader(const CsvOptions& options, std::string_view text) : options_(options), text_(text) {}

    void skip_lines(int count) {
        for (; count > 0 && at_ < text_.size(); --count) {
            at_ = std::min(text_.find('\n', at_), text_.size() - 1) + 1;
            ++number_;
        }
    }

    /// Fills `line` with the next one that is not empty; false at the end.
    bool next(CsvLine& line) {
        while (at_ < text_.size()) {
            read(line);
            if (!line.is_empty()) return true;
        }
        return false;
    }

  private:
    void read(CsvLine& line) {
        line.fields.clear();
        line.stray_quote = line.ended = false;
        while (true) {
            if (line.fields.size() == fields_max)
                throw PermanentError("line " + std::to_string(number_) + ": more than " + std::to_string(fields_max) + " fields");
            const bool quoted = options_.quote != 0 && at_ < text_.size() && text_[at_] == options_.quote;
            line.fields.push_back(quoted ? quoted_field(line) : plain_field());
            if (at_ == text_.size()) return;
            if (text_[at_++] == options_.delimiter) continue;
            ++number_;
            line.ended = true;
            return;
        }
    }

    /// Where the field ends that goes on at `from`: its delimiter, its line break, or the end of the text.
    std::size_t end_of_field(std::size_t from) const {
        while (from < text_.size() && text_[from] != options_.delimiter && text_[from] != '\n') ++from;
        return from;
    }

    /// Of a line that ends with CR LF, or with CR at the end of the text.
    std::string_view without_cr(std::size_t begin, std::size_t end) const {
        const bool line_ends = end == text_.size() || text_[end] == '\n';
        if (line_ends && end > begin && text_[end - 1] == '\r') --end;
        return text_.substr(begin, end - begin);
    }

    CsvField plain_field() {
        const std::size_t begin = at_;
        at_ = end_of_field(begin);
        return {without_cr(begin, at_)};
    }

    CsvField quoted_field(CsvLine& line) {
        const std::size_t begin = ++at_;
        const int opened_in = number_;
        CsvField field{.text = {}, .quoted = true};
        while (true) {
            const std::size_t quote = text_.find(options_.quote, at_);
            if (quote == std::string_view::npos)
                throw PermanentError("line " + std::to_string(opened_in) + ": a quote that is not closed");
            number_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                                   text_.begin() + static_cast<std::ptrdiff_t>(quote), '\n'));
            at_ = quote + 1;
            if (at_ == text_.size() || text_[at_] != options_.quote) {
                field.text = text_.substr(begin, quote - begin);
                break;
            }
            field.doubled = true;
            ++at_;
        }
        const std::size_t behind = at_;
        at_ = end_of_field(behind);
        if (!without_cr(behind, at_).empty()) line.stray_quote = true;
        return field;
    }

    const CsvOptions& options_;
    std::string_view text_;
    std::size_t at_ = 0;
    int number_ = 1;  ///< of the line, for messages
};

class CsvWriter {
  public:
    CsvWriter(const CsvOptions& options, std::size_t bytes) : quote_(options.quote) { array_.reserve(bytes); }

    void name_columns(const std::vector<std::string>& names) { members_ = quoted_members(distinct_names(names)); }

    void add(const CsvLine& line) {
        std::string& out = array_.next();
        const std::size_t fields = line.fields.size();
        const bool fits = !line.stray_quote && fields <= members_.size() && (line.ended || fields == members_.size());
        out += fits ? '{' : '[';
        for (std::size_t i = 0; i < fields; ++i) {
            if (i > 0) out += ',';
            if (fits) out += members_[i];
            append(out, line.fields[i]);
        }
        out += fits ? '}' : ']';
    }

    std::string finish() && { return std::move(array_).finish(); }

    /// What stands in the field.
    std::string text_of(const CsvField& field) const {
        if (!field.doubled) return std::string(field.text);
        std::string text;
        for (std::size_t i = 0; i < field.text.size(); ++i) {
            text += field.text[i];
            if (field.text[i] == quote_) ++i;
        }
        return text;
    }

  private:
    void append(std::string& out, const CsvField& field) const {
        if (!field.quoted && field.text.empty()) out += "null";
        else if (!field.quoted && is_json_number(field.text)) out += field.text;
        else if (field.doubled) append_json(out, text_of(field));
        else append_json(out, field.text);
    }

    char quote_;
    std::vector<std::string> members_;
    JsonArray array_;
};

}  // namespace

std::string csv_as_json(const CsvOptions& options, std::string_view text) {
    CsvReader reader(options, text);
    CsvWriter writer(options, text.size() * 2);
    reader.skip_lines(options.skip);
    CsvLine line;
    std::vector<std::string> names = options.header;
    if (names.empty() && reader.next(line))
        for (const auto& field : line.fields) names.push_back(writer.text_of(field));
    writer.name_columns(names);
    while (reader.next(line)) writer.add(line);
    return std::move(writer).finish();
}

}  // namespace pawl::core
