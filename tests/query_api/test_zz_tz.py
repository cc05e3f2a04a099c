from ledger.pool import open_pool
from query_api import queries, shapes
from query_api.answers import _encode
from query_api.database import Database, make_pool
async def test_tz(world, settings):
    world.sql("ALTER DATABASE \"" + settings.database_url.rpartition("/")[2] + "\" SET timezone = 'Europe/Berlin'")
    e = world.schedule(); world.project()
    async with open_pool(settings) as pool:
        print("open_pool", _encode(shapes.event_view((await Database(pool, 5).answer(queries.event(e))).rows[0]))[200:420])
    pool = make_pool(settings); await pool.open()
    print("make_pool", _encode(shapes.event_view((await Database(pool, 5).answer(queries.event(e))).rows[0]))[200:420]); await pool.close()
