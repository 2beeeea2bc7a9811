#pragma once

#include <map>
#include <memory>
#include <string>

#include "app/preview.hpp"
#include "app/session.hpp"
#include "collector/curl_http.hpp"
#include "storage/token_store.hpp"

namespace pawl::app {

[[nodiscard]] collector::CurlSettings curl_settings(const core::Settings& settings);

/// A Preview with its way to the API and its tokens, by the settings of a session, which outlives it.
class ApiAccess {
  public:
    /// `store` keeps renewed tokens; null: they are not kept. `given`: placeholder → value.
    ApiAccess(Session& session, std::shared_ptr<const core::SourceFile> source, storage::TokenStore* store,
              std::map<std::string, std::string> given);
    [[nodiscard]] Preview& preview() { return preview_; }

  private:
    collector::CurlHttp http_;
    Preview preview_;
};

}  // namespace pawl::app
