#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/characters.hpp"
#include "core/decimal.hpp"
#include "core/diagnostics.hpp"
#include "core/expression_functions.hpp"

namespace pawl::core {

namespace {

using Node = Expression::Node;
using Op = Node::Op;
using NodePtr = std::shared_ptr<Node>;

constexpr int depth_max = 32;

struct Root {
    std::string_view name;
    Op op;
};
constexpr std::array<Root, 5> named_roots{
    {{"parent", Op::parent}, {"list", Op::list}, {"header", Op::header}, {"link", Op::link}, {"window", Op::window}}};

struct Sign {
    std::string_view text;
    Comparison comparison;
};
constexpr std::array<Sign, 6> comparison_signs{{{"==", Comparison::equal},
                                                {"!=", Comparison::not_equal},
                                                {"<=", Comparison::less_equal},
                                                {">=", Comparison::greater_equal},
                                                {"<", Comparison::less},
                                                {">", Comparison::greater}}};

/// Of other languages.
struct ForeignSign {
    std::string_view sign, meant;
};
constexpr std::array<ForeignSign, 6> foreign_signs{{{"&&", "a and b"},
                                                    {"||", "a or b, or a ?? b for the first that is there"},
                                                    {"?", "if(condition, a, b), or a ?? b"},
                                                    {"+", "add(a, b)"},
                                                    {"|", "functions around their text: lower(trim($.a))"},
                                                    {"!", "not a, or a != b"}}};

bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool continues_name(char c) { return starts_name(c) || is_digit(c) || c == '-'; }

NodePtr node_of(Op op, std::size_t column) {
    auto node = std::make_shared<Node>();
    node->op = op;
    node->column = column;
    return node;
}

std::string arguments_taken(const Function& function) {
    const auto most = function.arguments_max;
    if (most == 0) return "no argument";
    const auto least = function.arguments_min;
    const auto number = least == most ? std::to_string(most) : fmt::format("{} {} {}", least, most - least == 1 ? "or" : "to", most);
    return fmt::format("{} argument{}", number, most == 1 && least == 1 ? "" : "s");
}

bool is_function(std::string_view word) {
    const auto all = expression_functions();
    return std::any_of(all.begin(), all.end(), [&](const Function& one) { return one.name == word; });
}

class Parser {
  public:
    Parser(std::string_view text, Names names) : text_(text), names_(names) {}

    NodePtr whole() {
        auto node = expression();
        blank();
        if (at_ < text_.size()) fail(unexpected());
        return node;
    }

  private:
    /// What stands behind the end of an expression, and what was probably meant by it.
    std::string unexpected() const {
        const auto rest = text_.substr(at_);
        if (rest == "as") return "a type is missing: $.a as bigint";
        for (const auto& [sign, meant] : foreign_signs)
            if (rest.starts_with(sign)) return fmt::format("there is no {}: write {}", sign, meant);
        std::size_t end = std::min<std::size_t>(rest.size(), 12);
        while (end < rest.size() && (static_cast<unsigned char>(rest[end]) & 0xc0) == 0x80) ++end;  // no half character
        return "unexpected '" + std::string(rest.substr(0, end)) + "'";
    }

    [[noreturn]] void fail(const std::string& why) const { throw ExpressionError(why, at_); }

    [[noreturn]] void fail_at(std::size_t column, const std::string& why) const { throw ExpressionError(why, column); }

    void blank() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
    }

    bool take(std::string_view token) {
        if (!text_.substr(at_).starts_with(token)) return false;
        at_ += token.size();
        return true;
    }

    /// A word that is an operator: no name goes on behind it.
    bool take_word(std::string_view word) {
        const auto rest = text_.substr(at_);
        if (!rest.starts_with(word) || (rest.size() > word.size() && continues_name(rest[word.size()]))) return false;
        at_ += word.size();
        return true;
    }

    std::string name() {
        const auto first = at_;
        if (at_ >= text_.size() || !starts_name(text_[at_])) fail("a name is missing here; one of other characters is written ['…']");
        while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
        return std::string(text_.substr(first, at_ - first));
    }

    /// As an operand, `node` must be one value.
    NodePtr one_value(NodePtr node) const {
        check_one_value(*node);
        return node;
    }

    void check_one_value(const Node& node) const {
        if (node.op == Op::entries) fail_at(node.column, "entries() yields records: it stands alone, in \"each\" and \"records\"");
        const bool path = node.op == Op::record || node.op == Op::root;
        if (path && node.yields_many())
            fail_at(node.column, "[*] yields records: it is for \"each\", \"records\", count() and join()");
    }

    NodePtr expression() {
        if (++depth_ > depth_max) fail("nested too deep");
        auto node = any();
        if (text_.substr(at_).starts_with("as ")) {
            at_ += 3;
            node->as = type();
        }
        --depth_;
        return node;
    }

    ColumnType type() {
        blank();
        const auto first = at_;
        std::string word = name();
        if (word == "double" && take(" precision")) word = "double precision";
        const auto known = parse_column_type(word);
        if (!known)
            fail_at(first, "'" + word +
                               "' is no type; use boolean, bigint, numeric, double, date, timestamptz, uuid, text or jsonb");
        return *known;
    }

    NodePtr any() {
        auto node = all();
        return chain(std::move(node), Op::any, [&] { return take_word("or"); }, [&] { return all(); });
    }

    NodePtr all() {
        auto node = condition();
        return chain(std::move(node), Op::all, [&] { return take_word("and"); }, [&] { return condition(); });
    }

    NodePtr choice() {
        auto node = operand();
        return chain(std::move(node), Op::coalesce, [&] { return take("??"); }, [&] { return operand(); });
    }

    /// `first`, or `first op next op next …` as one node.
    NodePtr chain(NodePtr first, Op op, const auto& goes_on, const auto& next) {
        blank();
        if (!goes_on()) return first;
        auto node = node_of(op, first->column);
        node->arguments.push_back(one_value(std::move(first)));
        do {
            node->arguments.push_back(one_value(next()));
            blank();
        } while (goes_on());
        return node;
    }

    NodePtr condition() {
        blank();
        const auto first = at_;
        if (take_word("not")) {
            if (++depth_ > depth_max) fail("nested too deep");
            auto node = node_of(Op::negate, first);
            node->arguments.push_back(one_value(condition()));
            --depth_;
            return node;
        }
        auto left = choice();
        const auto comparison = comparison_sign();
        if (!comparison) return left;
        auto node = node_of(Op::compare, first);
        node->comparison = *comparison;
        node->arguments = {one_value(std::move(left)), one_value(choice())};
        const auto second = at_;
        if (comparison_sign()) fail_at(second, "two values are compared at a time: a < b and b < c");
        return node;
    }

    std::optional<Comparison> comparison_sign() {
        for (const auto& sign : comparison_signs)
            if (take(sign.text)) return sign.comparison;
        if (text_.substr(at_).starts_with('=')) fail("a comparison is written ==");
        return std::nullopt;
    }

    NodePtr operand() {
        blank();
        if (at_ >= text_.size()) fail("the expression ends too early");
        const char c = text_[at_];
        if (c == '$') return path();
        if (c == '\'' || c == '"') return text_literal();
        if (c == '-' || is_digit(c)) return number_literal();
        if (take("(")) {
            auto node = expression();
            blank();
            if (!take(")")) fail(") is missing");
            return node;
        }
        return word();
    }

    NodePtr path() {
        if (names_ == Names::placeholder) fail("a placeholder sees no record: it is made of names, parent, list and window");
        auto node = node_of(Op::record, at_);
        if (take("$$")) node->op = Op::root;
        else take("$");
        if (at_ < text_.size() && starts_name(text_[at_])) fail("a point is missing: a field of the record is written $.name");
        steps(*node);
        return node;
    }

    void steps(Node& node) {
        while (at_ < text_.size()) {
            if (node.steps.size() > path_steps_max) fail(fmt::format("a path of more than {} steps", path_steps_max));
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

    NodePtr literal(Value::Kind kind, std::string text, std::size_t column) {
        auto node = node_of(Op::literal, column);
        node->literal.kind = kind;
        node->literal_text = std::move(text);
        return node;
    }

    NodePtr text_literal() {
        const auto first = at_;
        const auto end = text_.find(text_[at_], at_ + 1);
        if (end == std::string_view::npos) fail("no closing quote");
        at_ = end + 1;
        return literal(Value::Kind::text, std::string(text_.substr(first + 1, end - first - 1)), first);
    }

    NodePtr number_literal() {
        const auto first = at_;
        if (text_[at_] == '-') ++at_;
        while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) ++at_;
        const auto number = text_.substr(first, at_ - first);
        if (!is_json_number(number)) fail("not a number");
        return literal(Value::Kind::number, std::string(number), first);
    }

    NodePtr word() {
        const auto first = at_;
        if (text_[at_] == '!') fail(unexpected());
        if (text_[at_] == '.') fail("a field of the record is written $.name");
        if (!starts_name(text_[at_])) fail("a value is missing here: a path, a function, a number, or a text in quotes");
        const std::string word = name();
        if (word == "true" || word == "false") return literal(Value::Kind::boolean, word, first);
        if (word == "null") return literal(Value::Kind::null, "", first);
        if (take("(")) return call(word, first);
        const auto root = std::find_if(named_roots.begin(), named_roots.end(), [&](const Root& r) { return r.name == word; });
        const bool dotted = text_.substr(at_).starts_with('.');
        if (names_ == Names::placeholder) {
            if (!dotted) return named(Op::bare_name, word, first);
            const bool of_response = root != named_roots.end() && (root->op == Op::header || root->op == Op::link);
            if (of_response) fail_at(first, "a placeholder sees no response: it is made of names, parent, list and window");
        } else if (word == "key") {
            return node_of(Op::key, first);
        } else if (word == "value") {
            auto node = node_of(Op::record, first);
            steps(*node);
            return node;
        }
        if (root == named_roots.end() && is_function(word)) fail_at(first, fmt::format("a function is written {}()", word));
        if (root == named_roots.end())
            fail_at(first, names_ == Names::placeholder
                               ? "'" + word + "' is unknown; before a point stands parent, list or window"
                               : "'" + word + "' is unknown; a field of the record is written $." + word);
        if (!take(".")) fail("a name is missing: " + word + ".name");
        const auto name_at = at_;
        std::string scoped = name();
        while (take(".")) scoped += "." + name();
        if (root->op == Op::window && scoped != "start" && scoped != "end")
            fail_at(name_at, "a window has start and end, not '" + scoped + "'");
        return named(root->op, std::move(scoped), first);
    }

    NodePtr named(Op op, std::string name, std::size_t column) {
        auto node = node_of(op, column);
        node->name = std::move(name);
        return node;
    }

    NodePtr call(const std::string& word, std::size_t first) {
        const auto all_functions = expression_functions();
        const auto function = std::find_if(all_functions.begin(), all_functions.end(),
                                           [&](const Function& one) { return one.name == word; });
        if (function == all_functions.end()) {
            std::vector<std::string> known;
            for (const Function& one : all_functions) known.emplace_back(one.name);
            const auto meant = closest(word, known);
            fail_at(first, "there is no function " + word + "()" + (meant.empty() ? "" : "; did you mean " + meant + "()?"));
        }
        auto node = node_of(function->op, first);
        node->function = &*function;
        node->type = function->type;
        blank();
        if (!take(")")) {
            do node->arguments.push_back(expression());
            while (blank(), take(","));
            if (!take(")")) fail(") is missing");
        }
        if (node->arguments.size() < function->arguments_min || node->arguments.size() > function->arguments_max)
            fail_at(first, fmt::format("{}() takes {}: {}", word, arguments_taken(*function), function->usage));
        check_arguments(*node);
        if (function->prepare != nullptr) function->prepare(*node);
        if (word == "split") part_of_split(*node);
        return node;
    }

    void check_arguments(const Node& node) const {
        const bool wants_path = node.op == Op::count || node.op == Op::entries || node.op == Op::join;
        for (std::size_t i = 0; i < node.arguments.size(); ++i) {
            const Node& argument = *node.arguments[i];
            const bool is_path = argument.op == Op::record || argument.op == Op::root;
            if (wants_path && i == 0 && !is_path)
                fail_at(node.column, fmt::format("{}() takes a path such as $.items", node.function->name));
            if (!wants_path || i > 0) check_one_value(argument);
        }
    }

    /// `split(…)[0]` is text instead of a list.
    void part_of_split(Node& node) {
        const auto first = at_;
        if (!text_.substr(at_).starts_with('[')) return;
        steps(node);
        if (node.steps.size() != 1 || node.steps[0].kind != Node::Step::Kind::element)
            fail_at(first, "one part of split() is written split(…)[0]; all of them are records of \"each\" without [*]");
        node.type = ColumnType::text;
    }

    std::string_view text_;
    Names names_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

}  // namespace

std::shared_ptr<const Expression::Node> parse_expression(std::string_view text, Names names) {
    return Parser(text, names).whole();
}

}  // namespace pawl::core
