#include "core/link_header.hpp"

#include <cctype>

#include "core/characters.hpp"

namespace pawl::core {

namespace {

constexpr std::size_t links_max = 64;
constexpr std::size_t value_bytes_max = 16'384;

// Reads a header value from left to right.
class LinkReader {
  public:
    explicit LinkReader(std::string_view text) : text_(text) {}

    [[nodiscard]] bool at_end() {
        skip_blanks();
        return at_ == text_.size();
    }
    [[nodiscard]] bool accept(char c) {
        skip_blanks();
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    [[nodiscard]] std::string until(char stop) {
        const auto end = text_.find(stop, at_);
        if (end == std::string_view::npos) {
            at_ = text_.size();
            return {};
        }
        std::string out(text_.substr(at_, end - at_));
        at_ = end + 1;
        return out;
    }
    [[nodiscard]] std::string token() {
        skip_blanks();
        std::string out;
        while (at_ < text_.size() && std::string_view(" \t=;,\"<>").find(text_[at_]) == std::string_view::npos)
            out += text_[at_++];
        return out;
    }
    [[nodiscard]] std::string token_or_quoted() {
        if (!accept('"')) return token();
        std::string out;
        while (at_ < text_.size() && text_[at_] != '"') {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
            out += text_[at_++];
        }
        if (at_ < text_.size()) ++at_;
        return out;
    }

  private:
    void skip_blanks() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    }
    std::string_view text_;
    std::size_t at_ = 0;
};

std::vector<std::string> split_relations(std::string_view text) {
    std::vector<std::string> relations(1);
    for (const char c : text) {
        if (c == ' ' || c == '\t')
            relations.emplace_back();
        else
            relations.back() += lower(c);
    }
    std::erase_if(relations, [](const std::string& relation) { return relation.empty(); });
    return relations;
}

void read_parameters(LinkReader& reader, WebLink& link) {
    bool has_relation = false;
    while (reader.accept(';')) {
        std::string name = reader.token();
        for (char& c : name) c = lower(c);
        std::string value;
        if (reader.accept('=')) value = reader.token_or_quoted();
        if (name == "rel" && !has_relation) {  // RFC 8288, 3.3: later ones are ignored
            link.relations = split_relations(value);
            has_relation = true;
        }
    }
}

}  // namespace

std::vector<WebLink> parse_link_header(std::string_view value) {
    std::vector<WebLink> links;
    LinkReader reader(value.substr(0, value_bytes_max));
    while (links.size() < links_max && !reader.at_end()) {
        if (reader.accept(',')) continue;  // empty list elements are allowed
        if (!reader.accept('<')) break;
        WebLink link;
        link.target = reader.until('>');
        read_parameters(reader, link);
        if (!link.target.empty()) links.push_back(std::move(link));
        if (!reader.at_end() && !reader.accept(',')) break;
    }
    return links;
}

std::optional<std::string> find_link(std::string_view value, std::string_view relation) {
    for (auto& link : parse_link_header(value))
        for (const auto& known : link.relations)
            if (known == relation) return std::move(link.target);
    return std::nullopt;
}

}  // namespace pawl::core
