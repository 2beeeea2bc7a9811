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

/// A new refresh token may come with the token: it must be kept where the service looks for it.
[[nodiscard]] bool uses_refresh_token(const core::SourceFile& source);

/// The way to an API with its tokens, by the settings of a session, which outlives it.
class ApiAccess {
  public:
    /// `store` keeps renewed tokens; null: they are not kept.
    ApiAccess(Session& session, std::shared_ptr<const core::SourceFile> source, storage::TokenStore* store);
    /// What single pages are asked for with. This outlives them.
    [[nodiscard]] DryPages::Context context();
    /// `given`: placeholder → value.
    [[nodiscard]] Preview preview(std::map<std::string, std::string> given);

  private:
    Session& session_;
    std::shared_ptr<const core::SourceFile> source_;
    collector::CurlHttp http_;
    std::shared_ptr<collector::Tokens> tokens_;
};

}  // namespace pawl::app
