#include "core/decode_xml.hpp"

#include <expat.h>

#include <algorithm>
#include <memory>
#include <new>
#include <unordered_map>
#include <vector>

#include "core/characters.hpp"
#include "core/errors.hpp"
#include "core/json_array.hpp"
#include "core/json_document.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

namespace {

using XmlId = std::uint32_t;
constexpr XmlId no_node = 0xffffffff;

/// An element or attribute. Children are told by the place of the first and then by `next`.
struct XmlNode {
    XmlId name;
    XmlId first = no_node, next = no_node;
    XmlId next_same = no_node;         ///< the next one of this name below the same element
    bool repeats = false;        ///< one of its name stands before it there
    std::uint32_t text_begin = 0, text_end = 0;  ///< in XmlTree::text
};

/// The document, as a few arrays: a body of 32 MiB may hold millions of elements.
struct XmlTree {
    std::vector<XmlNode> nodes;
    std::vector<std::string> names;
    std::string text;

    XmlId name_of(std::string name) {
        const auto [found, is_new] = ids_.try_emplace(std::move(name), static_cast<XmlId>(names.size()));
        if (is_new) names.push_back(found->first);
        return found->second;
    }
    std::string_view text_of(const XmlNode& node) const {
        return std::string_view(text).substr(node.text_begin, node.text_end - node.text_begin);
    }

  private:
    std::unordered_map<std::string, XmlId> ids_;
};

/// Builds the tree out of what expat meets.
class XmlBuilder {
  public:
    explicit XmlBuilder(XmlTree& tree) : tree_(tree), parser_(XML_ParserCreate("UTF-8"), &XML_ParserFree) {
        if (!parser_) throw std::bad_alloc();
        XML_SetUserData(parser_.get(), this);
        XML_SetElementHandler(parser_.get(), &on_start, &on_end);
        XML_SetCharacterDataHandler(parser_.get(), &on_text);
        XML_SetSkippedEntityHandler(parser_.get(), &on_skipped_entity);
        XML_SetStartDoctypeDeclHandler(parser_.get(), &on_doctype);
    }

    void read(std::string_view text) {
        if (XML_Parse(parser_.get(), text.data(), static_cast<int>(text.size()), XML_TRUE) == XML_STATUS_ERROR) refuse();
    }

  private:
    struct Open {
        XmlId node = no_node, last = no_node;
        std::string text;
    };

    [[noreturn]] void refuse() const {
        const std::string reason = refused_.empty() ? XML_ErrorString(XML_GetErrorCode(parser_.get())) : refused_;
        throw PermanentError("line " + std::to_string(XML_GetCurrentLineNumber(parser_.get())) + ": " + reason);
    }

    // Nothing may be thrown through expat, which is C.
    void stop(std::string reason) {
        if (refused_.empty()) refused_ = std::move(reason);
        XML_StopParser(parser_.get(), XML_FALSE);
    }

    static XmlBuilder& self(void* user) { return *static_cast<XmlBuilder*>(user); }

    static void on_start(void* user, const XML_Char* name, const XML_Char** attributes) {
        self(user).open(name, attributes);
    }
    static void on_end(void* user, const XML_Char*) { self(user).close(); }
    static void on_text(void* user, const XML_Char* text, int size) {
        auto& builder = self(user);
        if (!builder.open_.empty()) builder.open_.back().text.append(text, static_cast<std::size_t>(size));
    }
    static void on_skipped_entity(void* user, const XML_Char* name, int is_parameter) {
        auto& builder = self(user);
        if (is_parameter || builder.open_.empty()) return;
        builder.open_.back().text.append("&").append(name).append(";");
    }
    static void on_doctype(void* user, const XML_Char*, const XML_Char*, const XML_Char*, int has_internal_subset) {
        if (has_internal_subset) self(user).stop("a DTD inside the document");
    }

    void open(const XML_Char* name, const XML_Char** attributes) {
        const JsonBounds bounds;
        if (open_.size() >= static_cast<std::size_t>(bounds.depth_max))
            return stop("nested deeper than " + std::to_string(bounds.depth_max));
        if (tree_.nodes.size() > bounds.values_max)
            return stop("more than " + std::to_string(bounds.values_max) + " elements and attributes");
        const XmlId node = append(name);
        open_.push_back({.node = node});
        for (; *attributes != nullptr; attributes += 2)
            keep_text(append(std::string("@") + attributes[0]), attributes[1]);
    }

    /// A new child of the element that is open.
    XmlId append(std::string name) {
        const auto node = static_cast<XmlId>(tree_.nodes.size());
        tree_.nodes.push_back({.name = tree_.name_of(std::move(name))});
        if (open_.empty()) return node;
        Open& parent = open_.back();
        (parent.last == no_node ? tree_.nodes[parent.node].first : tree_.nodes[parent.last].next) = node;
        parent.last = node;
        return node;
    }

    void keep_text(XmlId node, std::string_view text) {
        tree_.nodes[node].text_begin = static_cast<std::uint32_t>(tree_.text.size());
        tree_.text += text;
        tree_.nodes[node].text_end = static_cast<std::uint32_t>(tree_.text.size());
    }

    void close() {
        if (!refused_.empty()) return;  // an element may still be told to end after its begin was refused
        const Open closed = std::move(open_.back());
        open_.pop_back();
        const bool leaf = tree_.nodes[closed.node].first == no_node;
        // Between children stand line breaks and blanks that nobody means.
        keep_text(closed.node, leaf ? std::string_view(closed.text) : trimmed(closed.text));
        join_names(closed.node);
    }

    void join_names(XmlId parent) {
        if (last_of_name_.size() < tree_.names.size()) last_of_name_.resize(tree_.names.size(), no_node);
        for (XmlId child = tree_.nodes[parent].first; child != no_node; child = tree_.nodes[child].next) {
            XmlId& last = last_of_name_[tree_.nodes[child].name];
            if (last != no_node) {
                tree_.nodes[last].next_same = child;
                tree_.nodes[child].repeats = true;
            }
            last = child;
        }
        for (XmlId child = tree_.nodes[parent].first; child != no_node; child = tree_.nodes[child].next)
            last_of_name_[tree_.nodes[child].name] = no_node;
    }

    XmlTree& tree_;
    std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser_;
    std::vector<Open> open_;
    std::vector<XmlId> last_of_name_;  ///< by name, while the children of one element are joined
    std::string refused_;
};

class XmlWriter {
  public:
    XmlWriter(const XmlTree& tree, const XmlOptions& options) : tree_(tree), list_(tree.names.size()) {
        for (std::size_t i = 0; i < list_.size(); ++i)
            list_[i] = std::find(options.lists.begin(), options.lists.end(), tree.names[i]) != options.lists.end();
    }

    std::string write() {
        out_ = "{";
        append_member(0);
        out_ += '}';
        return std::move(out_);
    }

  private:
    void append_member(XmlId first) {
        const XmlNode& node = tree_.nodes[first];
        append_json(out_, tree_.names[node.name]);
        out_ += ':';
        const bool array = node.next_same != no_node || list_[node.name];
        if (array) out_ += '[';
        for (XmlId one = first; one != no_node; one = tree_.nodes[one].next_same) {
            if (one != first) out_ += ',';
            append_value(tree_.nodes[one]);
        }
        if (array) out_ += ']';
    }

    void append_value(const XmlNode& node) {
        check_decoded(out_);
        const auto text = tree_.text_of(node);
        const bool attribute = tree_.names[node.name].starts_with('@');
        if (node.first == no_node && text.empty() && !attribute) {
            out_ += "null";
            return;
        }
        if (node.first == no_node) return append_json(out_, text);
        out_ += '{';
        for (XmlId child = node.first; child != no_node; child = tree_.nodes[child].next) {
            if (tree_.nodes[child].repeats) continue;  // with the first of its name
            if (child != node.first) out_ += ',';
            append_member(child);
        }
        if (!text.empty()) {
            out_ += ",\"#text\":";
            append_json(out_, text);
        }
        out_ += '}';
    }

    const XmlTree& tree_;
    std::vector<bool> list_;  ///< by name: always an array
    std::string out_;
};

}  // namespace

std::string xml_as_json(const XmlOptions& options, std::string_view text) {
    XmlTree tree;
    XmlBuilder(tree).read(text);
    return XmlWriter(tree, options).write();
}

}  // namespace pawl::core
