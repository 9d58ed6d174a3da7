/// The files of the page, by the names under which they are asked for. They are in the folder Page.
enum PageFiles {
  static let all: [String: PageFileHandler.File] = [
    "index.html": .init("text/html; charset=utf-8", PackageResources.index_html),
    "page.css": .init("text/css; charset=utf-8", PackageResources.page_css),
    "icon.svg": .init("image/svg+xml", PackageResources.icon_svg),
    "theme.js": script(PackageResources.theme_js),
    "app.js": script(PackageResources.app_js),
    "clock.js": script(PackageResources.clock_js),
    "conflicts.js": script(PackageResources.conflicts_js),
    "freshness.js": script(PackageResources.freshness_js),
    "history.js": script(PackageResources.history_js),
    "keyboard.js": script(PackageResources.keyboard_js),
    "map.js": script(PackageResources.map_js),
    "marks.js": script(PackageResources.marks_js),
    "memberrow.js": script(PackageResources.memberrow_js),
    "members.js": script(PackageResources.members_js),
    "mesh.js": script(PackageResources.mesh_js),
    "node.js": script(PackageResources.node_js),
    "notices.js": script(PackageResources.notices_js),
    "registries.js": script(PackageResources.registries_js),
    "route.js": script(PackageResources.route_js),
    "signin.js": script(PackageResources.signin_js),
    "store.js": script(PackageResources.store_js),
    "stream.js": script(PackageResources.stream_js),
    "table.js": script(PackageResources.table_js),
    "text.js": script(PackageResources.text_js),
    "virtuallist.js": script(PackageResources.virtuallist_js),
    "warnings.js": script(PackageResources.warnings_js),
  ]

  private static func script(_ bytes: [UInt8]) -> PageFileHandler.File {
    PageFileHandler.File("text/javascript; charset=utf-8", bytes)
  }
}
