"""A small organisation file, whole and in order, for tests to break or to change in one place."""

GOOD = """\
id: small
names: {en: Small}
languages: [en]
line: {names: {en: The line}}
mailboxes: [{address: line@small.example}]
calendar: {zone: Asia/Shanghai, country: CN, windows: ["09:00-12:00"]}
coordinator: {mail: desk@small.example, head: cleo, officers: [cleo], leader: lin}
principal: [ping]
leading_group: [ping, lin]
departments:
  - id: roads
    names: {en: Roads}
    mail: roads@small.example
    head: rhea
    officers: [rolf]
    deputies: [rui]
    leader: lin
    duties:
      - id: potholes
        names: {en: Potholes}
        keywords: {en: [pothole], zh-Hant: [路面]}
        urgent: {en: [sinkhole], zh-Hant: [塌陷]}
  - id: water
    names: {en: Water}
    mail: water@small.example
    calendar: round-the-clock
    head: wim
    officers: [wim]
    leader: lin
    duties:
      - {id: pipes, names: {en: Pipes}, keywords: {en: [pipe]}}
people:
  - {id: cleo, names: {en: Cleo}, language: en, mail: cleo@small.example}
  - {id: lin, names: {en: Lin}, language: en, mail: lin@small.example}
  - {id: ping, names: {en: Ping}, language: en, mail: ping@small.example}
  - {id: rhea, names: {en: Rhea}, language: en, mail: rhea@small.example, department: roads}
  - {id: rolf, names: {en: Rolf}, language: en, mail: rolf@small.example, department: roads}
  - {id: rui, names: {en: Rui}, language: en, mail: rui@small.example, department: roads}
  - {id: wim, names: {en: Wim}, language: en, mail: wim@small.example, department: water, roles: [clerk]}
limits: {dispatch: 2wh, accept: 4wh, contact: 1wd, resolve: 5wd, callback: 1wd, silence: 7d}
special_limits:
  - {kinds: [enquiry], limits: {resolve: 3wd}}
  - {kinds: [problem], classes: [major], limits: {resolve: 15wd}}
  - {categories: [potholes], urgent: true, limits: {accept: 30min}, ladder: short}
ladder:
  - {at: 75%, action: warn, to: [holder, deputy]}
  - {at: 100%, action: breach, to: head}
  - {at: +1wd, action: escalate, to: leader}
ladders:
  short:
    - {at: 100%, action: breach, to: [holder, head]}
    - {at: +2h, action: escalate, to: principal, times: 3}
choices: {grants: leader, enter: {hard: group}}
postings: [{person: lin, mails: ["@works.example", boss@mill.example]}]
"""
