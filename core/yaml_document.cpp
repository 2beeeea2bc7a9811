#include "core/yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/yaml_variables.hpp"

namespace pawl::core {

namespace {

Position position(const YAML::Mark& mark) {
    return mark.is_null() ? Position{} : Position{mark.line + 1, mark.column + 1};
}

/// Thrown through yaml-cpp to stop it: the problem is reported already.
struct Stop {};

/// Builds our tree from yaml-cpp's events, which carry the tags and positions that its own nodes
/// lose.
class TreeBuilder final : public YAML::EventHandler {
  public:
    TreeBuilder(std::string_view text, Problems& problems) : problems_(problems) {
        for (std::size_t at = 0; at != std::string_view::npos;) {
            line_starts_.push_back(text.substr(at));
            at = text.find('\n', at);
            if (at != std::string_view::npos) ++at;
        }
    }

    YamlNode take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ == 1) return;
        problems_.add(position(mark), "a second document starts here: one file is one document");
        throw Stop{};
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
        place({.kind = YamlNode::Kind::null, .at = position(mark)});
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        problems_.add(position(mark), "aliases (*name) are not supported");
        place({.kind = YamlNode::Kind::invalid, .at = position(mark)});
    }
    void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
        problems_.add(position(mark), "anchors (&" + name + ") are not supported");
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  const std::string& value) override {
        YamlNode node{.kind = YamlNode::Kind::scalar, .at = position(mark), .text = value};
        refuse_tag(node.at, tag);
        node.quoted = tag == "!";
        if (node.quoted) {
            const std::string_view rest = text_at(node.at);
            const bool has_quote = rest.starts_with('"') || rest.starts_with('\'');
            if (has_quote) refuse_open_quote(node.at, rest);
            node.text_offset = has_quote ? 1 : -1;
        }
        place(std::move(node));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        open({.kind = YamlNode::Kind::sequence, .at = position(mark)}, tag);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        open({.kind = YamlNode::Kind::map, .at = position(mark)}, tag);
    }
    void OnMapEnd() override { close(); }

  private:
    struct Open {
        YamlNode node;
        bool has_name = false;    // map: a name came, its value is next
        bool skip_value = false;  // that value belongs to a name that was refused
        std::string name = {};
        Position name_at = {};
    };

    void open(YamlNode node, const std::string& tag) {
        refuse_tag(node.at, tag);
        if (open_.size() >= static_cast<std::size_t>(yaml_depth_max)) {
            problems_.add(node.at,
                          "nested deeper than " + std::to_string(yaml_depth_max) + " levels");
            throw Stop{};
        }
        open_.push_back({.node = std::move(node)});
    }

    void close() {
        YamlNode node = std::move(open_.back().node);
        open_.pop_back();
        place(std::move(node));
    }

    void place(YamlNode node) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (parent.node.is_sequence())
            parent.node.items.push_back(std::move(node));
        else if (parent.has_name)
            place_value(parent, std::move(node));
        else
            place_name(parent, std::move(node));
    }

    void place_name(Open& map, YamlNode name) {
        map.has_name = true;
        map.name_at = name.at;
        map.skip_value = !name.is_scalar();
        if (map.skip_value) {
            if (name.kind != YamlNode::Kind::invalid)
                problems_.add(name.at, "a key must be plain text");
            return;
        }
        if (map.node.members.size() >= yaml_names_max) {
            problems_.add(name.at, "a map with more than " + std::to_string(yaml_names_max) + " keys");
            throw Stop{};
        }
        for (const auto& member : map.node.members) {
            if (member.name != name.text) continue;
            problems_.add(name.at, "\"" + name.text + "\" stands twice",
                          "the first is in line " + std::to_string(member.at.line));
            map.skip_value = true;
        }
        map.name = std::move(name.text);
    }

    void place_value(Open& map, YamlNode value) {
        map.has_name = false;
        // yaml-cpp places an absent value where the next token is; the name is a better place to
        // point at.
        if (value.is_null()) value.at = map.name_at;
        if (!map.skip_value)
            map.node.members.push_back({std::move(map.name), map.name_at, std::move(value)});
    }

    void refuse_tag(Position at, const std::string& tag) {
        if (tag.empty() || tag == "?" || tag == "!") return;
        problems_.add(at, "tags (" + tag + ") are not supported");
    }

    /// The file's text from `at` on.
    std::string_view text_at(Position at) const {
        const auto line = static_cast<std::size_t>(at.line);
        if (line < 1 || line > line_starts_.size()) return "";
        const std::string_view rest = line_starts_[line - 1];
        return rest.substr(std::min(static_cast<std::size_t>(at.column - 1), rest.size()));
    }

    /// yaml-cpp 0.7 takes a quote that is never closed for closed at the end of the file.
    void refuse_open_quote(Position at, std::string_view rest) {
        const char quote = rest.front();
        for (std::size_t i = 1; i < rest.size(); ++i) {
            const bool escape = quote == '"' ? rest[i] == '\\' : rest.substr(i, 2) == "''";
            if (escape)
                ++i;
            else if (rest[i] == quote)
                return;
        }
        problems_.add(at, "the quote is not closed");
        throw Stop{};
    }

    Problems& problems_;
    std::vector<std::string_view> line_starts_;
    int documents_ = 0;
    YamlNode root_;
    std::vector<Open> open_;
};

/// Offset of the first byte that is not valid UTF-8, or npos.
std::size_t invalid_utf8(std::string_view text) {
    std::size_t at = 0;
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    while (at < text.size()) {
        const unsigned first = byte(at);
        std::size_t length = 1;
        unsigned low = 0x80, high = 0xbf;  // bounds of the second byte (Unicode, table 3-7)
        if (first >= 0xc2 && first <= 0xdf)
            length = 2;
        else if (first >= 0xe0 && first <= 0xef)
            length = 3, low = first == 0xe0 ? 0xa0 : 0x80, high = first == 0xed ? 0x9f : 0xbf;
        else if (first >= 0xf0 && first <= 0xf4)
            length = 4, low = first == 0xf0 ? 0x90 : 0x80, high = first == 0xf4 ? 0x8f : 0xbf;
        else if (first >= 0x80)
            return at;
        for (std::size_t i = 1; i < length; ++i, low = 0x80, high = 0xbf)
            if (byte(at + i) < low || byte(at + i) > high) return at;
        at += length;
    }
    return std::string_view::npos;
}

/// yaml-cpp guesses other encodings and ends a text at some control characters: such bytes never
/// reach it.
bool is_readable(std::string_view text, Problems& problems) {
    if (text.size() > yaml_bytes_max) {
        problems.add({}, "is larger than 1 MiB");
        return false;
    }
    std::size_t bad = invalid_utf8(text);
    std::string message = "is not UTF-8 text";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (i >= bad || (c >= 0x20 && c != 0x7f) || c == '\t' || c == '\n' || c == '\r') continue;
        bad = i;
        message = "holds a control character";
    }
    if (bad == std::string_view::npos) return true;
    const std::string_view before = text.substr(0, bad);
    const std::size_t line_start = before.rfind('\n') + 1;
    const auto lines = std::count(before.begin(), before.end(), '\n');
    problems.add({static_cast<int>(lines) + 1, static_cast<int>(bad - line_start) + 1}, message);
    return false;
}

/// What yaml-cpp's words most often come from.
std::string yaml_hint(std::string_view message, std::string_view text) {
    const bool in_flow = message.find("flow") != std::string_view::npos;
    if (in_flow)
        return "a bracket or comma is missing; or a text inside { } or [ ] holds one of [ ] { } , itself and needs quotes: "
               "\"$.items[*]\"";
    if (text.starts_with('\t') || text.find("\n\t") != std::string_view::npos) return "lines are indented by blanks, not by tabs";
    if (message == "illegal map value") return "a text with \": \" in it needs quotes; and keys of one map begin in one column";
    return "";
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view name) const {
    for (const Member& member : members)
        if (member.name == name) return &member.value;
    return nullptr;
}

const YamlNode& YamlNode::nearest(const std::vector<std::string>& path) const {
    const YamlNode* node = this;
    for (const std::string& step : path) {
        const YamlNode* next = node->find(step);
        if (node->is_sequence() && !step.empty() &&
            step.find_first_not_of("0123456789") == std::string::npos) {
            const std::size_t index = std::stoul(step);
            if (index < node->items.size()) next = &node->items[index];
        }
        if (next == nullptr) break;
        node = next;
    }
    return *node;
}

Position YamlNode::position_of(std::size_t offset) const {
    if (text_offset < 0 || !variable_values.empty()) return at;
    return {at.line, at.column + text_offset + static_cast<int>(offset)};
}

YamlNode parse_yaml(std::string_view text, const Environment& environment, Problems& problems) {
    if (!is_readable(text, problems)) return {.kind = YamlNode::Kind::invalid};
    TreeBuilder builder{text, problems};
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser{stream};
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const Stop&) {
        return {.kind = YamlNode::Kind::invalid};
    } catch (const YAML::Exception& error) {
        problems.add(position(error.mark), "is not YAML: " + error.msg, yaml_hint(error.msg, text));
        return {.kind = YamlNode::Kind::invalid};
    }
    YamlNode root = builder.take();
    replace_variables(root, environment, problems);
    return root;
}

std::string read_text_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) throw ConfigError("cannot read " + path + ": " + std::strerror(errno));
    std::string text(yaml_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad() || (file.fail() && !file.eof()))
        throw ConfigError("cannot read " + path + ": " + std::strerror(errno));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

}  // namespace pawl::core
