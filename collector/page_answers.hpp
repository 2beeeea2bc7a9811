#pragma once

#include <algorithm>
#include <optional>

#include "collector/http.hpp"
#include "core/expression.hpp"
#include "core/json_document.hpp"
#include "core/named_values.hpp"

namespace pawl::collector {

/// Evaluates expressions against a response as a whole: `$.x` of its document, `header.x` of its headers. Refers to both.
class PageAnswers {
  public:
    /// `document`: nullptr where there is none; paths are null then.
    PageAnswers(const core::JsonDocument* document, const Headers& headers) {
        scope_.document = document;
        scope_.record = document ? document->root() : core::JsonDocument::none;
        scope_.arena = &arena_;
        for (const auto& [name, value] : headers) {
            auto key = name;
            std::replace(key.begin(), key.end(), '-', '_');
            core::Value text;
            text.kind = core::Value::Kind::text;
            text.text = value;
            headers_.entries.emplace_back(std::move(key), text);
        }
        scope_.header = &headers_;
    }
    PageAnswers(const PageAnswers&) = delete;
    PageAnswers& operator=(const PageAnswers&) = delete;

    [[nodiscard]] core::Value operator()(const std::optional<core::Expression>& expression) {
        return expression ? expression->evaluate(scope_) : core::Value{};
    }

  private:
    core::Arena arena_;
    core::NamedValues headers_;
    core::Scope scope_;
};

}  // namespace pawl::collector
