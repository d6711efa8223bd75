# The NixOS options that nixos/module.nix sets, with the unit files and tmpfiles rules rendered as NixOS does.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkOption types mapAttrs' nameValuePair mapAttrsToList concatMapStringsSep;
  unitName = types.strMatching "[a-zA-Z0-9@%:_.\\-]+[.](service|socket|device|mount|automount|swap|target|path|timer|scope|slice)";
  names = mkOption { type = types.listOf unitName; default = [ ]; };
  atom = types.oneOf [ types.bool types.int types.float types.str types.path types.package ];
  unitOption = types.either (types.listOf atom) (types.nullOr atom);
  common = {
    enable = mkOption { type = types.bool; default = true; };
    description = mkOption { type = types.singleLineStr; default = ""; };
    documentation = mkOption { type = types.listOf types.str; default = [ ]; };
    requires = names; wants = names; after = names; before = names; bindsTo = names; partOf = names; conflicts = names; wantedBy = names; requiredBy = names;
    restartTriggers = mkOption { type = types.listOf types.unspecified; default = [ ]; };
    unitConfig = mkOption { type = types.attrsOf unitOption; default = { }; };
  };
  service = types.submodule {
    options = common // {
      environment = mkOption { type = types.attrsOf (types.nullOr (types.oneOf [ types.str types.path types.package ])); default = { }; };
      path = mkOption { type = types.listOf (types.oneOf [ types.package types.str ]); default = [ ]; };
      serviceConfig = mkOption { type = types.attrsOf unitOption; default = { }; };
      restartIfChanged = mkOption { type = types.bool; default = true; };
      stopIfChanged = mkOption { type = types.bool; default = true; };
      reloadIfChanged = mkOption { type = types.bool; default = false; };
      notSocketActivated = mkOption { type = types.bool; default = false; };
    };
  };
  rule = types.submodule {
    options = {
      mode = mkOption { type = types.str; default = "-"; };
      user = mkOption { type = types.str; default = "-"; };
      group = mkOption { type = types.str; default = "-"; };
      age = mkOption { type = types.str; default = "-"; };
      argument = mkOption { type = types.str; default = ""; };
    };
  };
  ruleText = path: type: r: "'${type}' '${path}' '${r.mode}' '${r.user}' '${r.group}' '${r.age}' ${r.argument}\n";
  rulesText = paths: builtins.concatStringsSep "" (builtins.concatLists (mapAttrsToList (path: mapAttrsToList (ruleText path)) paths));
  socket = types.submodule {
    options = common // {
      listenStreams = mkOption { type = types.listOf types.str; default = [ ]; };
      listenDatagrams = mkOption { type = types.listOf types.str; default = [ ]; };
      socketConfig = mkOption { type = types.attrsOf unitOption; default = { }; };
    };
  };
  timer = types.submodule {
    options = common // {
      timerConfig = mkOption { type = types.attrsOf unitOption; default = { }; };
    };
  };
  timerText = d: text d "[Timer]\n${section d.timerConfig}";
  value = x: if x == true then "true" else if x == false then "false" else toString x;
  section = as: builtins.concatStringsSep "" (builtins.concatLists (mapAttrsToList (n: v: map (x: "${n}=${value x}\n") (if builtins.isList v then v else [ v ])) as));
  list = n: v: lib.optionalAttrs (v != [ ]) { ${n} = toString v; };
  # As a file, whose name changes with what is in it.
  triggers = d: lib.optionalAttrs (d.restartTriggers != [ ]) { X-Restart-Triggers = pkgs.writeText "X-Restart-Triggers" (toString d.restartTriggers); };
  unit = d: triggers d // list "Requires" d.requires // list "Wants" d.wants // list "After" d.after // list "Before" d.before // list "BindsTo" d.bindsTo // list "PartOf" d.partOf
    // list "Conflicts" d.conflicts // lib.optionalAttrs (d.description != "") { Description = d.description; } // list "Documentation" d.documentation // d.unitConfig;
  text = d: body: "[Unit]\n${section (unit d)}\n${body}" + lib.optionalString (d.wantedBy != [ ]) "\n[Install]\nWantedBy=${toString d.wantedBy}\n";
  defaultPath = [ pkgs.coreutils pkgs.findutils pkgs.gnugrep pkgs.gnused pkgs.systemd ];
  serviceText = d:
    let path = d.path ++ defaultPath;
        env = d.environment // { PATH = "${concatMapStringsSep ":" (p: "${p}/bin") path}:${concatMapStringsSep ":" (p: "${p}/sbin") path}"; };
    in text d ("[Service]\n" + builtins.concatStringsSep "" (mapAttrsToList (n: v: lib.optionalString (v != null) "Environment=${builtins.toJSON "${n}=${v}"}\n") env) + forSwitch d + section d.serviceConfig);
  # For switch-to-configuration, which looks for these in [Service] and nowhere else.
  forSwitch = d:
    (if d.reloadIfChanged then "X-ReloadIfChanged=true\n" else lib.optionalString (!d.restartIfChanged) "X-RestartIfChanged=false\n")
    + lib.optionalString (!d.stopIfChanged) "X-StopIfChanged=false\n"
    + lib.optionalString d.notSocketActivated "X-NotSocketActivated=true\n";
  socketText = d: text d "[Socket]\n${section d.socketConfig}\n${concatMapStringsSep "\n" (s: "ListenStream=${s}") d.listenStreams}\n${concatMapStringsSep "\n" (s: "ListenDatagram=${s}") d.listenDatagrams}\n";
in
{
  options = {
    assertions = mkOption { type = types.listOf types.unspecified; default = [ ]; };
    warnings = mkOption { type = types.listOf types.str; default = [ ]; };
    nix.enable = mkOption { type = types.bool; default = true; };
    nix.package = mkOption { type = types.package; default = pkgs.nix; };
    nix.settings = mkOption {
      type = types.attrsOf (types.either (types.nullOr atom) (types.listOf (types.nullOr atom)));
      default = { };
    };
    environment.etc = mkOption { type = types.attrsOf (types.submodule { options.text = mkOption { type = types.lines; }; }); default = { }; };
    environment.variables = mkOption { type = types.attrsOf types.str; default = { }; };
    users.users = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options = {
          isSystemUser = mkOption { type = types.bool; default = false; };
          group = mkOption { type = types.str; default = ""; };
          description = mkOption { type = types.str; default = ""; };
          home = mkOption { type = types.path; default = "/var/empty"; };
        };
      });
    };
    users.groups = mkOption { type = types.attrsOf (types.submodule { options.gid = mkOption { type = types.nullOr types.int; default = null; }; }); default = { }; };
    systemd.tmpfiles.rules = mkOption { type = types.listOf types.str; default = [ ]; };
    # By file, path and type.
    systemd.tmpfiles.settings = mkOption { type = types.attrsOf (types.attrsOf (types.attrsOf rule)); default = { }; };
    environment.systemPackages = mkOption { type = types.listOf types.package; default = [ ]; };
    systemd.services = mkOption { type = types.attrsOf service; default = { }; };
    systemd.timers = mkOption { type = types.attrsOf timer; default = { }; };
    systemd.sockets = mkOption { type = types.attrsOf socket; default = { }; };
    rendered = mkOption { type = types.attrsOf types.str; default = { }; };
  };
  config.rendered = mapAttrs' (n: v: nameValuePair "${n}.service" (serviceText v)) config.systemd.services
    // mapAttrs' (n: v: nameValuePair "${n}.socket" (socketText v)) config.systemd.sockets
    // mapAttrs' (n: v: nameValuePair "${n}.timer" (timerText v)) config.systemd.timers
    // { "tmpfiles.conf" = concatMapStringsSep "" (rule: "${rule}\n") config.systemd.tmpfiles.rules
        + builtins.concatStringsSep "" (mapAttrsToList (_: rulesText) config.systemd.tmpfiles.settings); };
}
