#include "core/yaml_variables.hpp"

#include <optional>

namespace pawl::core {

namespace {

bool is_variable_name(std::string_view name) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    return name.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
           std::string_view::npos;
}

struct Reference {
    std::string name;
    char operation = 0;  // '-': default follows, '?': message follows, 0: neither
    std::string argument = {};
};

/// What stands between `${` and `}`; nullopt when it is no variable.
std::optional<Reference> parse_reference(std::string_view inside) {
    const std::size_t colon = inside.find(':');
    Reference reference{.name = std::string(inside.substr(0, colon))};
    if (!is_variable_name(reference.name)) return std::nullopt;
    if (colon == std::string_view::npos) return reference;
    if (colon + 1 >= inside.size()) return std::nullopt;
    reference.operation = inside[colon + 1];
    if (reference.operation != '-' && reference.operation != '?') return std::nullopt;
    reference.argument = inside.substr(colon + 2);
    return reference;
}

class Replacer {
  public:
    Replacer(const Environment& environment, Problems& problems)
        : environment_(environment), problems_(problems) {}

    void replace(YamlNode& scalar) {
        const std::string source = scalar.text;
        std::string out;
        bool valid = true;
        std::vector<std::string> values;
        std::size_t at = 0;
        while (at < source.size()) {
            if (source.compare(at, 3, "$${") == 0) {
                out += "${";
                at += 3;
                continue;
            }
            if (source.compare(at, 2, "${") != 0) {
                out += source[at++];
                continue;
            }
            const std::size_t end = source.find('}', at);
            const Position place = scalar.position_of(at);
            if (end == std::string::npos) {
                problems_.add(place, "\"${\" is not closed by \"}\"", "\"$${\" stands for \"${\"");
                valid = false;
                break;
            }
            const auto value = look_up(source.substr(at + 2, end - at - 2), place);
            valid = valid && value.has_value();
            if (value) {
                out += *value;
                values.push_back(*value);
            }
            at = end + 1;
        }
        scalar.text = std::move(out);
        scalar.variable_values = std::move(values);
        if (!valid) scalar.kind = YamlNode::Kind::invalid;
    }

  private:
    std::optional<std::string> look_up(const std::string& inside, Position place) {
        const auto reference = parse_reference(inside);
        if (!reference) {
            problems_.add(
                place, "\"${" + inside + "}\" is not a variable",
                "write ${NAME}, ${NAME:-default} or ${NAME:?message}; \"$${\" stands for \"${\"");
            return std::nullopt;
        }
        const auto found = environment_.find(reference->name);
        const bool set = found != environment_.end();
        if (set && (reference->operation == 0 || !found->second.empty())) return found->second;
        if (reference->operation == '-') return reference->argument;
        std::string message = "variable " + reference->name + " is not set";
        if (!reference->argument.empty()) message += ": " + reference->argument;
        problems_.add(place, message,
                      "set it, or give a default: ${" + reference->name + ":-default}");
        return std::nullopt;
    }

    const Environment& environment_;
    Problems& problems_;
};

}  // namespace

void replace_variables(YamlNode& node, const Environment& environment, Problems& problems) {
    if (node.is_scalar()) Replacer{environment, problems}.replace(node);
    for (YamlNode& item : node.items) replace_variables(item, environment, problems);
    for (YamlNode::Member& member : node.members)
        replace_variables(member.value, environment, problems);
}

}  // namespace pawl::core
