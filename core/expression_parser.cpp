#include <array>
#include <charconv>

#include "core/expression_tree.hpp"

namespace pawl::core {

namespace {

using Node = Expression::Node;
using Op = Node::Op;

constexpr int depth_max = 32;

struct Function {
    std::string_view name;
    Op op;
    std::size_t arguments_min, arguments_max;
};
constexpr std::array<Function, 6> functions{{
    {"lower", Op::lower, 1, 1},
    {"upper", Op::upper, 1, 1},
    {"trim", Op::trim, 1, 1},
    {"count", Op::count, 1, 1},
    {"entries", Op::entries, 1, 1},
    {"coalesce", Op::coalesce, 1, 16},
}};
constexpr std::array<std::string_view, 16> later_functions{
    "now",   "today", "parse_time", "format_time", "epoch", "add",    "split",      "join",
    "replace", "match", "sha256",   "base64",      "url_encode", "if", "window",  "format"};

bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool continues_name(char c) { return starts_name(c) || (c >= '0' && c <= '9') || c == '-'; }

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    std::shared_ptr<const Node> whole() {
        auto node = expression();
        blank();
        if (at_ < text_.size()) fail("unexpected '" + std::string(text_.substr(at_, 12)) + "'");
        return node;
    }

  private:
    [[noreturn]] void fail(const std::string& why) const { throw ExpressionError(why, at_); }

    void blank() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
    }

    bool take(std::string_view token) {
        if (!text_.substr(at_).starts_with(token)) return false;
        at_ += token.size();
        return true;
    }

    std::string name() {
        const auto first = at_;
        if (at_ >= text_.size() || !starts_name(text_[at_])) fail("a name is missing here");
        while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
        return std::string(text_.substr(first, at_ - first));
    }

    std::shared_ptr<Node> expression() {
        if (++depth_ > depth_max) fail("nested too deep");
        auto node = operand();
        blank();
        if (take("??")) {
            auto choice = std::make_shared<Node>();
            choice->op = Op::coalesce;
            choice->arguments.push_back(node);
            do {
                choice->arguments.push_back(operand());
                blank();
            } while (take("??"));
            node = choice;
        }
        if (text_.substr(at_).starts_with("as ")) {
            at_ += 3;
            blank();
            const auto first = at_;
            std::string type = name();
            if (type == "double" && take(" precision")) type = "double precision";
            node->as = parse_column_type(type);
            if (!node->as) {
                at_ = first;
                fail("'" + type + "' is no type; use boolean, bigint, numeric, double, date, timestamptz, uuid, text or jsonb");
            }
        }
        --depth_;
        return node;
    }

    std::shared_ptr<Node> operand() {
        blank();
        if (at_ >= text_.size()) fail("the expression ends too early");
        const char c = text_[at_];
        if (c == '$') return path();
        if (c == '\'' || c == '"') return text_literal();
        if (c == '-' || (c >= '0' && c <= '9')) return number_literal();
        return word();
    }

    std::shared_ptr<Node> path() {
        auto node = std::make_shared<Node>();
        node->op = take("$$") ? Op::root : Op::record;
        if (node->op == Op::record) take("$");
        steps(*node);
        return node;
    }

    void steps(Node& node) {
        while (at_ < text_.size()) {
            if (take(".")) {
                node.steps.push_back({Node::Step::Kind::member, name(), 0});
            } else if (take("[*]")) {
                node.steps.push_back({Node::Step::Kind::each, {}, 0});
            } else if (take("['")) {
                const auto end = text_.find("']", at_);
                if (end == std::string_view::npos) fail("no ' ] closes this name");
                node.steps.push_back({Node::Step::Kind::member, std::string(text_.substr(at_, end - at_)), 0});
                at_ = end + 2;
            } else if (take("[")) {
                std::int64_t index = 0;
                const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), index);
                if (error != std::errc{}) fail("an index, * or 'name' is missing between [ and ]");
                at_ = static_cast<std::size_t>(end - text_.data());
                if (!take("]")) fail("] is missing");
                node.steps.push_back({Node::Step::Kind::element, {}, index});
            } else {
                break;
            }
        }
    }

    std::shared_ptr<Node> literal(Value::Kind kind, std::string text) {
        auto node = std::make_shared<Node>();
        node->literal.kind = kind;
        node->literal_text = std::move(text);
        return node;
    }

    std::shared_ptr<Node> text_literal() {
        const char quote = text_[at_];
        const auto end = text_.find(quote, at_ + 1);
        if (end == std::string_view::npos) fail("no closing quote");
        std::string content{text_.substr(at_ + 1, end - at_ - 1)};
        at_ = end + 1;
        return literal(Value::Kind::text, std::move(content));
    }

    std::shared_ptr<Node> number_literal() {
        const auto first = at_;
        if (text_[at_] == '-') ++at_;
        while (at_ < text_.size() && ((text_[at_] >= '0' && text_[at_] <= '9') || text_[at_] == '.')) ++at_;
        const auto number = text_.substr(first, at_ - first);
        if (number == "-" || number.back() == '.' || number.find('.') != number.rfind('.')) fail("not a number");
        return literal(Value::Kind::number, std::string(number));
    }

    std::shared_ptr<Node> word() {
        const auto first = at_;
        const std::string word = name();
        if (word == "true" || word == "false") return literal(Value::Kind::boolean, word);
        if (word == "null") return literal(Value::Kind::null, "");
        auto node = std::make_shared<Node>();
        if (word == "key") {
            node->op = Op::key;
            return node;
        }
        if (word == "value") {
            node->op = Op::record;
            steps(*node);
            return node;
        }
        if (take("(")) return call(word, first);
        if (word == "parent" || word == "list" || word == "header" || word == "link") {
            node->op = word == "parent" ? Op::parent : word == "list" ? Op::list : word == "header" ? Op::header : Op::link;
            if (!take(".")) fail("a name is missing: " + word + ".name");
            node->name = name();
            while (take(".")) node->name += "." + name();
            return node;
        }
        at_ = first;
        if (word == "window") fail("window.* is not supported in this version");
        fail("'" + word + "' is unknown; a field of the record is written $." + word);
    }

    std::shared_ptr<Node> call(const std::string& word, std::size_t first) {
        for (const auto& function : functions) {
            if (function.name != word) continue;
            auto node = std::make_shared<Node>();
            node->op = function.op;
            do node->arguments.push_back(expression());
            while (blank(), take(","));
            if (!take(")")) fail(") is missing");
            if (node->arguments.size() < function.arguments_min || node->arguments.size() > function.arguments_max) {
                at_ = first;
                fail(word + "() takes " + std::to_string(function.arguments_min) + " argument" +
                     (function.arguments_min == 1 ? "" : "s"));
            }
            const bool wants_path = node->op == Op::count || node->op == Op::entries;
            const Op inner = node->arguments[0]->op;
            if (wants_path && inner != Op::record && inner != Op::root) {
                at_ = first;
                fail(word + "() takes a path such as $.items");
            }
            return node;
        }
        at_ = first;
        for (const auto later : later_functions)
            if (later == word) fail(word + "() is not supported in this version");
        fail("there is no function " + word + "()");
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

}  // namespace

std::shared_ptr<const Expression::Node> parse_expression(std::string_view text) { return Parser(text).whole(); }

}  // namespace pawl::core
